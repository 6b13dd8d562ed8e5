import { isDecimal } from '../decimal.ts';
import type { ColumnType, PrimitiveType, TableColumn } from '../table-schema.ts';

/** A field in a table's `schemaString`, with everything that another engine may have added to it. */
export interface DeltaField {
  readonly name: string;
  readonly type: unknown;
  readonly nullable: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const primitives: ReadonlySet<unknown> = new Set<PrimitiveType>([
  'string',
  'integer',
  'long',
  'double',
  'float',
  'boolean',
  'timestamp',
  'binary',
  'date',
]);

/** A field's type; undefined when it is, or contains, a type that Windrow doesn't write. */
export function columnTypeOf(type: unknown): ColumnType | undefined {
  if (typeof type === 'string')
    return primitives.has(type) || isDecimal(type as ColumnType) ? (type as ColumnType) : undefined;
  const nested = (type ?? {}) as Readonly<Record<string, unknown>>;
  switch (nested.type) {
    case 'struct': {
      const fields = (nested.fields as readonly DeltaField[]).map(tableColumnOf);
      const known = fields.filter((field) => field !== undefined);
      return known.length === fields.length && known.length > 0
        ? { type: 'struct', fields: known }
        : undefined;
    }
    case 'array': {
      const elementType = columnTypeOf(nested.elementType);
      return elementType && { type: 'array', elementType, containsNull: nested.containsNull === true };
    }
    case 'map': {
      const keyType = columnTypeOf(nested.keyType);
      const valueType = columnTypeOf(nested.valueType);
      if (typeof keyType !== 'string' || valueType === undefined) return undefined;
      return { type: 'map', keyType, valueType, valueContainsNull: nested.valueContainsNull === true };
    }
    default:
      return undefined;
  }
}

export function tableColumnOf({ name, nullable, type: fieldType }: DeltaField): TableColumn | undefined {
  const type = columnTypeOf(fieldType);
  return type && { name, type, nullable };
}
