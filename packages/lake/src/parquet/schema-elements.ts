import type { SchemaElement } from 'hyparquet';
import { decimalOf, decimalStorage, isDecimal } from '../decimal.ts';
import type { ColumnType, PrimitiveType, TableSchema } from '../table-schema.ts';

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

/** The Parquet schema of a table's data files: a root and one flat leaf for each column. */
export function schemaElements(schema: TableSchema): SchemaElement[] {
  return [
    { name: 'root', num_children: schema.columns.length },
    ...schema.columns.map(
      ({ name, type, nullable }): SchemaElement => ({
        name,
        repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED',
        ...leafType(type),
      }),
    ),
  ];
}

function leafType(type: ColumnType): LeafType {
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
