import type { FileMetaData, SchemaElement } from 'hyparquet';
import type { ColumnType, NestedValue } from '../table-schema.ts';

/**
 * Metadata with which hyparquet reads arrays and maps as the groups that they are stored in. It would make a map an object, which
 * loses repeated keys, and the order and the bytes of keys. {@link nestedValue} reads the groups.
 */
export function withoutContainers(metadata: FileMetaData): FileMetaData {
  return { ...metadata, schema: metadata.schema.map(withoutContainer) };
}

function withoutContainer({ converted_type, logical_type, ...element }: SchemaElement): SchemaElement {
  if (element.num_children !== undefined) return element;
  return { ...element, ...(converted_type && { converted_type }), ...(logical_type && { logical_type }) };
}

/** The names of the columns of a file. */
export function columnNames({ schema }: FileMetaData): string[] {
  const found: string[] = [];
  let index = 1;
  const skip = (): void => {
    const children = schema[index++]?.num_children ?? 0;
    for (let child = 0; child < children; child++) skip();
  };
  for (let column = schema[index]; column; column = schema[index]) {
    found.push(column.name);
    skip();
  }
  return found;
}

type Group = Readonly<Record<string, unknown>>;

/**
 * A value that hyparquet has read with {@link withoutContainers}. Fields that the file lacks are null.
 * @throws RangeError for groups that are not of the type
 */
export function nestedValue(type: ColumnType, value: unknown): NestedValue {
  if (value === null || value === undefined) return null;
  if (typeof type === 'string') return value as NestedValue;
  switch (type.type) {
    case 'struct': {
      const known = new Set(type.fields.map(({ name }) => name));
      const lost = Object.keys(value).find((name) => !known.has(name));
      if (lost !== undefined) throw new RangeError(`the table has no field ${lost}`);
      return Object.fromEntries(
        type.fields.map((field) => [field.name, nestedValue(field.type, (value as Group)[field.name])]),
      );
    }
    case 'array':
      return groupsIn(value).map((group) => nestedValue(type.elementType, onlyChild(group)));
    case 'map':
      return groupsIn(value).map(({ key, value: item }) => ({
        key: nestedValue(type.keyType, key),
        value: nestedValue(type.valueType, item),
      }));
  }
}

/** The repeated groups within the group of an array or a map. Other writers name them otherwise. */
function groupsIn(value: unknown): readonly Group[] {
  const groups = onlyChild(value as Group);
  if (Array.isArray(groups)) return groups as readonly Group[];
  throw new RangeError('an array or a map is stored in another way');
}

function onlyChild(group: Group): unknown {
  const [child, ...others] = Object.values(group);
  if (others.length > 0) throw new RangeError('an array or a map is stored in another way');
  return child;
}
