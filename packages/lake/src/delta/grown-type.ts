import { type ColumnType, deltaField, type TableColumn } from '../table-schema.ts';
import type { DeltaField } from './field-types.ts';

/**
 * The type of a table's column with the missing fields of `wanted` added to its structs, as nullable ones: rows of older files
 * have null there. Fields that only the table has stay, with their metadata.
 * @param existing as the table's `schemaString` has it
 * @returns undefined when values of `wanted` don't fit
 */
export function grownType(existing: unknown, wanted: ColumnType): unknown {
  if (typeof wanted === 'string') return existing === wanted ? existing : undefined;
  if (typeof existing !== 'object' || existing === null) return undefined;
  const table = existing as Readonly<Record<string, unknown>>;
  if (table.type !== wanted.type) return undefined;
  switch (wanted.type) {
    case 'struct': {
      const fields = grownFields(table.fields as readonly DeltaField[], wanted.fields);
      return fields && { ...table, fields };
    }
    case 'array': {
      if (wanted.containsNull && table.containsNull !== true) return undefined;
      const elementType = grownType(table.elementType, wanted.elementType);
      return elementType && { ...table, elementType };
    }
    case 'map': {
      if (wanted.valueContainsNull && table.valueContainsNull !== true) return undefined;
      const valueType = grownType(table.valueType, wanted.valueType);
      return valueType && table.keyType === wanted.keyType ? { ...table, valueType } : undefined;
    }
  }
}

function grownFields(
  existing: readonly DeltaField[],
  wanted: readonly TableColumn[],
): DeltaField[] | undefined {
  const fields: DeltaField[] = [];
  for (const field of existing) {
    const same = wanted.find(({ name }) => name === field.name);
    const type = same === undefined ? field.type : grownType(field.type, same.type);
    if (type === undefined || (same?.nullable && !field.nullable)) return undefined;
    // Rows that lack the field must be allowed.
    if (same === undefined && !field.nullable) return undefined;
    fields.push({ ...field, type });
  }
  const known = new Set(existing.map(({ name }) => name));
  const added = wanted.filter(({ name }) => !known.has(name));
  return [...fields, ...added.map((field) => deltaField({ ...field, nullable: true }))];
}
