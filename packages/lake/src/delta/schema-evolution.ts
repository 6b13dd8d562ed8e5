import { isDeepStrictEqual } from 'node:util';
import { WindrowError } from '@windrow/runtime';
import { deltaField, type TableColumn, type TableSchema } from '../table-schema.ts';
import type { MetaData } from './actions.ts';
import type { DeltaField } from './field-types.ts';
import { grownType } from './grown-type.ts';

/**
 * The table's metadata with the missing columns of `schema` added as nullable columns (null for the rows of older files).
 * Structs get their missing fields likewise. What only the table has stays. Undefined when nothing is missing.
 * @throws WindrowError SCHEMA_INCOMPATIBLE when the table has a column with another type
 */
export function withNewColumns(metaData: MetaData, schema: TableSchema, table: string): MetaData | undefined {
  const struct = JSON.parse(metaData.schemaString) as { type: 'struct'; fields: DeltaField[] };
  const known = new Map(struct.fields.map((field) => [field.name, field]));
  const added: DeltaField[] = [];
  for (const column of schema.columns) {
    const { name } = column;
    const existing = known.get(name);
    if (existing === undefined) {
      added.push(deltaField({ ...column, nullable: true }));
      continue;
    }
    const type = grownType(existing.type, column.type);
    if (type === undefined) {
      throw new WindrowError(
        'SCHEMA_INCOMPATIBLE',
        `column ${name} of table ${table} is ${JSON.stringify(existing.type)} and can't become ${shown(column)}: ` +
          `give the field another name, or the stream another table${isText(existing, column) ? nestedHint : ''}.`,
      );
    }
    known.set(name, { ...existing, type });
  }
  const columns = [...known.values()];
  if (added.length === 0 && isDeepStrictEqual(columns, struct.fields)) return undefined;
  // By convention, partition columns are last.
  const isPartition = (field: DeltaField) => metaData.partitionColumns.includes(field.name);
  const fields = [
    ...columns.filter((field) => !isPartition(field)),
    ...added,
    ...columns.filter(isPartition),
  ];
  return { ...metaData, schemaString: JSON.stringify({ ...struct, fields }) };
}

const nestedHint = '. Only LAKE_PARQUET_ENCODER=columnar writes nested columns';

const isText = (existing: DeltaField, { type }: TableColumn): boolean =>
  typeof existing.type === 'object' && type === 'string';

function shown(column: TableColumn): string {
  const { type } = deltaField(column);
  return typeof type === 'string' ? type : JSON.stringify(type);
}
