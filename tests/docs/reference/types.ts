import { typeMatrix } from '@windrow/lake/testing';
import { schemaElements } from '../../../packages/lake/src/parquet/schema-elements.ts';
import type { ScalarType } from '../../../packages/lake/src/table-schema.ts';
import { code, page, table } from './page.ts';

const introduction = `The types that a field of a stream's schema may have, and how each is stored. Values are stored exactly, or rejected with the
reason. Every field may be null in the lake.

- **JSON.** Nested values, and unions of several types, are JSON text in the lake and \`jsonb\` in Postgres. Longs and decimals are JSON
  numbers with all of their digits; bytes are base64 text; dates and times are numbers in the unit of their field; NaN and the
  infinities are texts.
- **Decimals** have at most 38 digits. Their scale in Postgres must be that of the field.
- **Refused when contracts are loaded:** durations, and decimals of more than 38 digits.
- **Statistics** bound all columns but binary ones. Bounds of times are whole milliseconds that enclose all values.
- The encoder \`parquetjs-lite\` refuses decimals, NaN, longs beyond 2^53, and microseconds before 1970.`;

export async function typesPage(): Promise<string> {
  const rows = typeMatrix.map(({ avro, input, lake, note, postgres }) => [
    avro,
    input,
    note === undefined ? code(lake) : `${code(lake)}: ${note}`,
    parquet(lake),
    postgres.map(code).join(', '),
  ]);
  const head = ['Avro', 'input in JSON and CSV', 'lake (Delta)', 'Parquet', 'Postgres'];
  return page('Types', introduction, [table(head, rows)]);
}

function parquet(type: ScalarType): string {
  const [, leaf] = schemaElements({ columns: [{ name: 'f', type, nullable: true }] });
  const size = leaf?.type_length === undefined ? '' : `(${leaf.type_length})`;
  return [`${leaf?.type}${size}`, leaf?.converted_type ?? ''].join(' ').trim();
}
