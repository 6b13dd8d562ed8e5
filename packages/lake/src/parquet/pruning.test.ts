import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parquetQuery } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runReader } from '../../../../tests/readers/python.ts';
import { columnBuffersFrom } from '../columns/from-batch.ts';
import type { ColumnBatch, ColumnType, ColumnValue } from '../table-schema.ts';
import { createColumnarEncoder } from './columnar-encoder.ts';

const rowCount = 300_000;
const startMs = Date.parse('2013-01-01T00:00:00Z');
/** A fixed shuffle of the rows: no neighbour is near. */
const shuffled = (row: number) => (row * 7_919) % 300_007;

const columns: Record<string, [ColumnType, (row: number) => ColumnValue]> = {
  id: ['string', (row) => `id-${shuffled(row)}`],
  city: ['string', (row) => (row % 3 === 0 ? null : `city ${row % 97}`)],
  time: ['timestamp', (row) => startMs + row * 137],
  position: ['long', (row) => row],
  scattered: ['long', (row) => shuffled(row) * 1_000_003 - 2 ** 40],
  small: ['integer', (row) => shuffled(row) % 1_000_000],
  real: ['double', (row) => (row % 50_000 === 49_999 ? Number.NaN : shuffled(row) / 8)],
  late: ['date', (row) => (row < 140_000 ? null : row % 20)],
};

interface Filtered {
  answers: Record<string, Record<string, [rows: number, sum: number | null]>>;
  chunks: Record<
    string,
    { offsetIndex: boolean; columnIndex: boolean; bloomFilter: boolean; encodings: string[] }
  >[];
}

/** As SQL, and as a function of the row. */
const predicates: [sql: string, holds: (row: number) => boolean][] = [
  ["id = 'id-4711'", (row) => shuffled(row) === 4711],
  ["id = 'id-nobody'", () => false],
  ["id >= 'id-2999'", (row) => `id-${shuffled(row)}` >= 'id-2999'],
  ["city = 'city 13'", (row) => row % 3 !== 0 && row % 97 === 13],
  ['city IS NULL', (row) => row % 3 === 0],
  ["time >= '2013-01-01 08:00:00+00'", (row) => row * 137 >= 8 * 3_600_000],
  ["time < '2013-01-01 00:00:01+00'", (row) => row * 137 < 1_000],
  ['position = 131072', (row) => row === 131_072],
  ['position BETWEEN 19999 AND 20001', (row) => row >= 19_999 && row <= 20_001],
  ['scattered < -1099511000000', (row) => shuffled(row) * 1_000_003 - 2 ** 40 < -1_099_511_000_000],
  ['small > 299990', (row) => shuffled(row) % 1_000_000 > 299_990],
  ['real = 12.125', (row) => row % 50_000 !== 49_999 && shuffled(row) === 97],
  ['late IS NOT NULL', (row) => row >= 140_000],
  ["late = '1970-01-05'", (row) => row >= 140_000 && row % 20 === 4],
];

let folder: string;
let bytes: Uint8Array;
let seen: Filtered;

beforeAll(async () => {
  const batch: ColumnBatch = {
    schema: {
      columns: Object.entries(columns).map(([name, [type]]) => ({ name, type, nullable: true })),
      idColumns: ['id', 'city'],
    },
    rowCount,
    columns: Object.values(columns).map(([, value]) =>
      Array.from({ length: rowCount }, (_, row) => value(row)),
    ),
  };
  ({ bytes } = await createColumnarEncoder().encode({ buffers: columnBuffersFrom(batch) }));
  folder = await mkdtemp(path.join(tmpdir(), 'windrow-pruning-'));
  const file = path.join(folder, 'rows.parquet');
  await writeFile(file, bytes);
  seen = (await runReader('filter-parquet.py', [
    file,
    'position',
    ...predicates.map(([sql]) => sql),
  ])) as Filtered;
});
afterAll(() => rm(folder, { recursive: true }));

test.each(predicates)('%s: leaving out row groups and pages leaves out no row', (sql, holds) => {
  const rows = Array.from({ length: rowCount }, (_, row) => row).filter(holds);
  const sum = rows.length === 0 ? null : rows.reduce((total, row) => total + row, 0);
  expect(seen.answers[sql]).toEqual({ duckdb: [rows.length, sum], pyarrow: [rows.length, sum] });
});

test('a reader of Bloom filters and page indexes finds the same', async () => {
  const file = new Uint8Array(bytes).buffer;
  const find = async (filter: Parameters<typeof parquetQuery>[0]['filter']) => {
    const rows = await parquetQuery({
      file,
      compressors,
      columns: ['position'],
      filter,
      useBloomFilters: true,
    });
    return rows.map(({ position }) => Number(position));
  };
  const rowOf4711 = Array.from({ length: rowCount }, (_, row) => row).filter((row) => shuffled(row) === 4711);
  expect(await find({ id: { $eq: 'id-4711' } })).toEqual(rowOf4711);
  expect(await find({ id: { $eq: 'id-nobody' } })).toEqual([]);
  expect(await find({ position: { $gte: 139_998n, $lt: 140_002n } })).toEqual([
    139_998, 139_999, 140_000, 140_001,
  ]);
});

test('each chunk says where its pages are, and what is in them where it can', () => {
  expect(seen.chunks).toHaveLength(3);
  for (const chunk of seen.chunks) {
    for (const [name, { bloomFilter, columnIndex, offsetIndex }] of Object.entries(chunk)) {
      expect({ name, offsetIndex, bloomFilter }).toEqual({
        name,
        offsetIndex: true,
        bloomFilter: name === 'id' || name === 'city',
      });
      // A page with NaN has no bounds.
      expect({ name, columnIndex }).toEqual({ name, columnIndex: name !== 'real' });
    }
  }
  const encodingsOf = (name: string) => seen.chunks[0]?.[name]?.encodings;
  expect(encodingsOf('time')).toContain('DELTA_BINARY_PACKED');
  expect(encodingsOf('city')).toContain('RLE_DICTIONARY');
  expect(encodingsOf('id')).toContain('PLAIN');
});
