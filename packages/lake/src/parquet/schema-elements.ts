import type { SchemaElement } from 'hyparquet';
import { names } from '../columns/leaf-types.ts';
import { decimalOf, decimalStorage, isDecimal } from '../decimal.ts';
import type { PrimitiveType, ScalarType, TableColumn, TableSchema } from '../table-schema.ts';

type LeafType = Omit<SchemaElement, 'name' | 'repetition_type'>;

/**
 * How each column type is stored, after the Delta protocol's "Parquet types" and parquet-format's LogicalTypes.md.
 * Readers from before 2018 need the converted types.
 */
const leafTypes: Readonly<Record<PrimitiveType, LeafType>> = {
  binary: { type: 'BYTE_ARRAY' },
  boolean: { type: 'BOOLEAN' },
  date: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
  double: { type: 'DOUBLE' },
  float: { type: 'FLOAT' },
  integer: { type: 'INT32' },
  long: { type: 'INT64' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  timestamp: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
  },
};

/** The Parquet schema of a table's data files: a root, and for each column a leaf or a group. */
export function schemaElements(schema: TableSchema): SchemaElement[] {
  return [{ name: 'root', num_children: schema.columns.length }, ...schema.columns.flatMap(elementsOf)];
}

/** The elements of a column, depth first. Groups are as LogicalTypes.md of parquet-format requires. */
function elementsOf({ name, type, nullable }: TableColumn): SchemaElement[] {
  const element: SchemaElement = { name, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED' };
  if (typeof type === 'string') return [{ ...element, ...leafType(type) }];
  switch (type.type) {
    case 'struct':
      return [{ ...element, num_children: type.fields.length }, ...type.fields.flatMap(elementsOf)];
    case 'array':
      return [
        { ...element, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        { name: names.list, repetition_type: 'REPEATED', num_children: 1 },
        ...elementsOf({ name: names.element, type: type.elementType, nullable: type.containsNull }),
      ];
    case 'map':
      return [
        { ...element, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
        { name: names.entries, repetition_type: 'REPEATED', num_children: 2 },
        ...elementsOf({ name: names.key, type: type.keyType, nullable: false }),
        ...elementsOf({ name: names.value, type: type.valueType, nullable: type.valueContainsNull }),
      ];
  }
}

function leafType(type: ScalarType): LeafType {
  if (!isDecimal(type)) return leafTypes[type];
  const decimal = decimalOf(type);
  const storage = decimalStorage(decimal);
  return {
    ...(typeof storage === 'object'
      ? { type: 'FIXED_LEN_BYTE_ARRAY', type_length: storage.bytes }
      : { type: storage === 'int32' ? 'INT32' : 'INT64' }),
    converted_type: 'DECIMAL',
    ...decimal,
    logical_type: { type: 'DECIMAL', ...decimal },
  };
}
