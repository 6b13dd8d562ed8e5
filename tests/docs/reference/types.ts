import { typeMatrix } from '@windrow/lake/testing';
import { schemaElements } from '../../../packages/lake/src/parquet/schema-elements.ts';
import { type ColumnType, typeName } from '../../../packages/lake/src/table-schema.ts';
import { code, page, table } from './page.ts';

const introduction = `The types that a field of a stream's schema may have, and how each is stored. Values are stored exactly, or rejected with the
reason. Every field may be null in the lake.

- **Nested values** are structs, arrays and maps in the lake, with the column types of this page within them, and \`jsonb\` in Postgres.
  A table that has JSON text for a field, from an older version of Windrow, keeps text
  ([why](../decisions/nested-columns.md)).
- **JSON.** Unions of several types, and records that contain themselves, are JSON text in the lake and \`jsonb\` in Postgres. Longs and
  decimals are JSON numbers with all of their digits; bytes are base64 text; dates and times are numbers in the unit of their field;
  NaN and the infinities are texts. In a column of a union, a text is itself; within nested values it is JSON, too.
- **Decimals** have at most 38 digits. Their scale in Postgres must be that of the field.
- **Refused when contracts are loaded:** durations, and decimals of more than 38 digits.
- **Statistics** bound all columns but binary ones. Bounds of times are whole milliseconds that enclose all values.
- The encoder \`parquetjs-lite\` refuses nested columns, decimals, NaN, longs beyond 2^53, and microseconds before 1970.`;

export async function typesPage(): Promise<string> {
  const rows = typeMatrix.map(({ avro, input, lake, note, postgres }) => [
    avro,
    input,
    note === undefined ? code(typeName(lake)) : `${code(typeName(lake))}: ${note}`,
    parquet(lake),
    postgres.map(code).join(', '),
  ]);
  const head = ['Avro', 'input in JSON and CSV', 'lake (Delta)', 'Parquet', 'Postgres'];
  return page('Types', introduction, [table(head, rows)]);
}

/** The first element of a column: a leaf, or the group of a nested column. */
function parquet(type: ColumnType): string {
  const [, leaf] = schemaElements({ columns: [{ name: 'f', type, nullable: true }] });
  const size = leaf?.type_length === undefined ? '' : `(${leaf.type_length})`;
  return [`${leaf?.type ?? 'group'}${size}`, leaf?.converted_type ?? ''].join(' ').trim();
}
