import type { ColumnType } from '../table-schema.ts';
import type { LeafType } from './nested-leaf.ts';

/** What surrounds a type: its path, and the levels of a value that is not null. */
interface Place {
  readonly path: readonly string[];
  readonly definition: number;
  readonly repetition: number;
}

/** The names that parquet-format (LogicalTypes.md) requires within lists and maps. */
export const names = { list: 'list', element: 'element', entries: 'key_value', key: 'key', value: 'value' };

/** The leaves of a column, in the order of the Parquet schema. */
export function leafTypes(column: { name: string; type: ColumnType; nullable: boolean }): LeafType[] {
  return leavesOf(column.type, column.nullable, { path: [column.name], definition: 0, repetition: 0 });
}

function leavesOf(type: ColumnType, nullable: boolean, at: Place): LeafType[] {
  const place = { ...at, definition: at.definition + (nullable ? 1 : 0) };
  if (typeof type === 'string') return [{ ...place, type }];
  switch (type.type) {
    case 'struct':
      return type.fields.flatMap((field) => leavesOf(field.type, field.nullable, below(place, field.name)));
    case 'array':
      return leavesOf(type.elementType, type.containsNull, repeated(place, names.list, names.element));
    case 'map':
      return [
        ...leavesOf(type.keyType, false, repeated(place, names.entries, names.key)),
        ...leavesOf(type.valueType, type.valueContainsNull, repeated(place, names.entries, names.value)),
      ];
  }
}

function below(at: Place, ...path: string[]): Place {
  return { ...at, path: [...at.path, ...path] };
}

function repeated(at: Place, ...path: string[]): Place {
  return { ...below(at, ...path), definition: at.definition + 1, repetition: at.repetition + 1 };
}

/** The number of leaves of a type. */
export function leafCount(type: ColumnType): number {
  return leafTypes({ name: '', type, nullable: false }).length;
}
