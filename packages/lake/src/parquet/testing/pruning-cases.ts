import { columnBuffersFrom } from '../../columns/testing/buffers-from-batch.ts';
import type { ColumnValue, ScalarType } from '../../table-schema.ts';
import type { FileRows } from '../parquet-encoder.ts';

export const rowCount = 1_000_000;
const startMs = Date.parse('2013-01-01T00:00:00Z');
/** A fixed permutation of the rows, without neighbours that stay close. */
export const shuffled = (row: number) => (row * 7_919) % 1_000_003;
const shuffledSql = '(position * 7919 % 1000003)';

/** The values of a column, and an SQL expression of `position` for them in DuckDB and Spark. */
const columns: Record<string, [type: ScalarType, value: (row: number) => ColumnValue, sql: string]> = {
  id: ['string', (row) => `id-${shuffled(row)}`, `'id-' || ${shuffledSql}`],
  city: [
    'string',
    (row) => (row % 3 === 0 ? null : `city ${row % 97}`),
    "if(position % 3 = 0, NULL, 'city ' || (position % 97))",
  ],
  time: [
    'timestamp',
    (row) => startMs * 1_000 + row * 137_001,
    `timestamp_micros(${startMs * 1_000} + position * 137001)`,
  ],
  position: ['long', (row) => row, 'position'],
  scattered: ['long', (row) => shuffled(row) * 1_000_003 - 2 ** 40, `${shuffledSql} * 1000003 - ${2 ** 40}`],
  small: ['integer', (row) => shuffled(row) % 1_000_000, `${shuffledSql} % 1000000`],
  real: [
    'double',
    (row) => (row % 50_000 === 49_999 ? Number.NaN : shuffled(row) / 8),
    `if(position % 50000 = 49999, CAST('NaN' AS DOUBLE), ${shuffledSql} / 8)`,
  ],
  short: ['float', (row) => (row % 1_000) / 4, 'CAST(position % 1000 / 4 AS FLOAT)'],
  even: ['boolean', (row) => row % 2 === 0, 'position % 2 = 0'],
  late: [
    'date',
    (row) => (row < 140_000 ? null : row % 20),
    'if(position < 140000, NULL, date_from_unix_date(CAST(position % 20 AS INTEGER)))',
  ],
};

/** A predicate as SQL and as a function of the row. */
export const predicates: readonly [sql: string, holds: (row: number) => boolean][] = [
  ["id = 'id-4711'", (row) => shuffled(row) === 4711],
  ["id = 'id-nobody'", () => false],
  // The value is within all bounds: only a Bloom filter or a dictionary can exclude it.
  ["id = 'id-4711x'", () => false],
  ["id >= 'id-2999'", (row) => `id-${shuffled(row)}` >= 'id-2999'],
  ["city = 'city 13'", (row) => row % 3 !== 0 && row % 97 === 13],
  ['city IS NULL', (row) => row % 3 === 0],
  ["time >= '2013-01-01 08:00:00Z'", (row) => row * 137_001 >= 8 * 3_600_000_000],
  ["time < '2013-01-01 00:00:01Z'", (row) => row * 137_001 < 1_000_000],
  ["time = '2013-01-01 00:02:17.001Z'", (row) => row === 1_000],
  ['position = 131072', (row) => row === 131_072],
  ['position BETWEEN 19999 AND 20001', (row) => row >= 19_999 && row <= 20_001],
  ['scattered < -1099511000000', (row) => shuffled(row) * 1_000_003 - 2 ** 40 < -1_099_511_000_000],
  ['small > 999990', (row) => shuffled(row) % 1_000_000 > 999_990],
  ['real = 12.125', (row) => row % 50_000 !== 49_999 && shuffled(row) === 97],
  ['short > 249.5', (row) => row % 1_000 === 999],
  ['NOT even AND position < 70', (row) => row % 2 === 1 && row < 70],
  ['late IS NOT NULL', (row) => row >= 140_000],
  ["late = '1970-01-05'", (row) => row >= 140_000 && row % 20 === 4],
];

/** The number of rows and the sum of their positions. */
export function answerOf(holds: (row: number) => boolean): [rows: number, sum: number | null] {
  let [rows, sum] = [0, 0];
  for (let row = 0; row < rowCount; row++) {
    if (!holds(row)) continue;
    rows++;
    sum += row;
  }
  return [rows, rows === 0 ? null : sum];
}

/**
 * The questions to a reader of the file: sums of `position`, and the number of rows in which a column has an unexpected
 * value.
 */
export const questions = {
  sum: 'position',
  expected: Object.fromEntries(Object.entries(columns).map(([name, [, , sql]]) => [name, sql])),
};
export const noDifference = Object.fromEntries(Object.keys(columns).map((name) => [name, 0]));

/** The rows of a file; `position` is the number of the row. */
export function millionRows(): FileRows {
  return {
    buffers: columnBuffersFrom({
      schema: {
        columns: Object.entries(columns).map(([name, [type]]) => ({ name, type, nullable: true })),
        idColumns: ['id', 'city'],
      },
      rowCount,
      columns: Object.values(columns).map(([, value]) =>
        Array.from({ length: rowCount }, (_, row) => value(row)),
      ),
    }),
  };
}
