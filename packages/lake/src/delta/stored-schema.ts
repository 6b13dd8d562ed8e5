import { isFlat, type TableSchema } from '../table-schema.ts';
import type { MetaData } from './actions.ts';
import type { DeltaField } from './field-types.ts';

/**
 * The schema with which rows are written to a table. Where the table has text for a record, an array or a map, it stays text, with the
 * values as JSON: its files have text, and processes of an older version go on writing it. Columns that the table lacks are as
 * in `schema`. This is the only place that decides it.
 */
export function storedSchema(schema: TableSchema, { schemaString }: MetaData): TableSchema {
  const { fields } = JSON.parse(schemaString) as { fields: DeltaField[] };
  const texts = new Set(fields.filter(({ type }) => type === 'string').map(({ name }) => name));
  return withTextColumns(schema, (name) => texts.has(name));
}

/** The schema with text for the values of nested columns, or of some of them. */
export function withTextColumns(schema: TableSchema, isText = (_name: string) => true): TableSchema {
  const columns = schema.columns.map((column) =>
    isFlat(column) || !isText(column.name) ? column : ({ ...column, type: 'string' } as const),
  );
  return { ...schema, columns };
}
