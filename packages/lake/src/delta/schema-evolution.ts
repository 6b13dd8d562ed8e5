import { WindrowError } from '@windrow/runtime';
import type { TableSchema } from '../table-schema.ts';
import type { MetaData } from './actions.ts';

interface DeltaField {
  name: string;
  type: unknown;
  nullable: boolean;
  metadata: Record<string, unknown>;
}

/**
 * The table's metadata with the missing columns of `schema` added as nullable columns (null for the rows of older files).
 * Columns that only the table has stay. Undefined when no column is missing.
 * @throws WindrowError SCHEMA_INCOMPATIBLE when the table has a column with another type
 */
export function withNewColumns(metaData: MetaData, schema: TableSchema, table: string): MetaData | undefined {
  const struct = JSON.parse(metaData.schemaString) as { type: 'struct'; fields: DeltaField[] };
  const typeOf = new Map(struct.fields.map(({ name, type }) => [name, type]));
  const added: DeltaField[] = [];
  for (const { name, type } of schema.columns) {
    const existing = typeOf.get(name);
    if (existing === undefined) added.push({ name, type, nullable: true, metadata: {} });
    else if (existing !== type) {
      throw new WindrowError(
        'SCHEMA_INCOMPATIBLE',
        `column ${name} of table ${table} is ${JSON.stringify(existing)} and can't become ${type}: ` +
          'give the field another name, or the stream another table.',
      );
    }
  }
  if (added.length === 0) return undefined;
  // By convention, partition columns are last.
  const isPartition = (field: DeltaField) => metaData.partitionColumns.includes(field.name);
  const fields = [
    ...struct.fields.filter((field) => !isPartition(field)),
    ...added,
    ...struct.fields.filter(isPartition),
  ];
  return { ...metaData, schemaString: JSON.stringify({ ...struct, fields }) };
}
