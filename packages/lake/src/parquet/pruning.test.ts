import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parquetQuery } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runReader } from '../../../../tests/readers/python.ts';
import { createColumnarEncoder } from './columnar-encoder.ts';
import {
  answerOf,
  millionRows,
  noDifference,
  predicates,
  questions,
  rowCount,
  shuffled,
} from './testing/pruning-cases.ts';

interface Filtered {
  differing: Record<string, Record<string, number>>;
  answers: Record<string, Record<string, [rows: number, sum: number | null]>>;
  chunks: Record<
    string,
    { offsetIndex: boolean; columnIndex: boolean; bloomFilter: boolean; encodings: string[] }
  >[];
}

let folder: string;
let bytes: Uint8Array;
let seen: Filtered;

beforeAll(async () => {
  ({ bytes } = await createColumnarEncoder().encode(millionRows()));
  folder = await mkdtemp(path.join(tmpdir(), 'windrow-pruning-'));
  const file = path.join(folder, 'rows.parquet');
  await writeFile(file, bytes);
  const asked = { ...questions, predicates: predicates.map(([sql]) => sql) };
  seen = (await runReader('filter-parquet.py', [file, JSON.stringify(asked)])) as Filtered;
});
afterAll(() => rm(folder, { recursive: true }));

test.each(predicates)('%s: leaving out row groups and pages leaves out no row', (sql, holds) => {
  expect(seen.answers[sql]).toEqual({
    duckdb: answerOf(holds),
    pyarrow: answerOf(holds),
    deltaRs: answerOf(holds),
  });
});

test('every value of a million rows is what it was', () => {
  expect(seen.differing).toEqual({ duckdb: noDifference, pyarrow: noDifference, deltaRs: noDifference });
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
  expect(seen.chunks).toHaveLength(8);
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
