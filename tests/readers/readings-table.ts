import { type ColumnValue, createEncoder, LakeTable, type ObjectStore, type ScalarType } from '@windrow/lake';
import { columnBuffersFrom } from '@windrow/lake/testing';
import { expect } from 'vitest';

/** More than lie between two checkpoints. */
const microBatches = 24;
export const readingsRows = microBatches * 5;
const partition = { topic: 'readings.raw', partition: 0 };

const columns: ReadonlyArray<[string, ScalarType, (row: number) => ColumnValue]> = [
  ['id', 'string', (row) => `reading ${row} – Zürich`],
  ['whole', 'integer', (row) => row - 50],
  ['wide', 'long', (row) => 2n ** 60n + BigInt(row)],
  ['real', 'double', (row) => (row % 10 === 0 ? Number.NaN : row / 8)],
  ['short', 'float', (row) => row / 4],
  ['flag', 'boolean', (row) => (row % 3 === 0 ? null : row % 2 === 0)],
  ['seen_at', 'timestamp', (row) => (Date.UTC(1969, 11, 31, 23) + row * 60_000) * 1_000],
  ['bytes', 'binary', (row) => (row % 2 === 0 ? null : Uint8Array.of(row & 0xff))],
  ['day', 'date', (row) => row - 60],
  ['never', 'string', () => null],
];
/** Comes with the second half of the micro-batches. */
const later: (typeof columns)[number] = ['later', 'integer', (row) => row * 2];

/** A table of all types with a checkpoint in its log, dates, rows without a date, and a column that comes later. */
export async function writeReadings(store: ObjectStore, path: string): Promise<void> {
  await write(store, path, columns, 0, microBatches / 2);
  await write(store, path, [...columns, later], microBatches / 2, microBatches);
}

/** Five rows a micro-batch: of one date, of another, or, each fifth time, of none. */
async function write(
  store: ObjectStore,
  path: string,
  withColumns: typeof columns,
  from: number,
  to: number,
): Promise<void> {
  const schema = { columns: withColumns.map(([name, type]) => ({ name, type, nullable: true })) };
  const table = await LakeTable.open(store, { path, schema, sink: 'lake' });
  const claim = await table.claim([partition]);
  for (let batch = from; batch < to; batch++) {
    const first = batch * 5;
    const rows = [0, 1, 2, 3, 4].map((row) => first + row);
    const date = batch % 5 === 4 ? null : `2013-01-0${1 + (batch % 2)}`;
    const encode = () =>
      createEncoder('columnar').encode({
        buffers: columnBuffersFrom({
          schema,
          rowCount: rows.length,
          columns: withColumns.map(([, , value]) => rows.map(value)),
        }),
      });
    const upload = await table.upload(claim, [{ partitionValues: { date }, namePrefix: 'part', encode }]);
    await table.commit(upload, [{ ...partition, fromOffset: first, nextOffset: first + 5, rows: 5 }]);
    expect(await table.checkpointWhenDue()).toEqual({});
  }
}

/** In DuckDB's SQL. */
export const readingsQuestions: ReadonlyArray<[string, string]> = [
  ['everything', 'SELECT * EXCLUDE (later), later FROM t ORDER BY whole'],
  [
    'rows per date',
    'SELECT date, count(*) AS n, sum(whole) AS whole FROM t GROUP BY date ORDER BY date NULLS LAST',
  ],
  [
    'what the statistics of files rule out',
    'SELECT id FROM t WHERE wide >= 1152921504606846999 AND whole < 30 ORDER BY id',
  ],
  ['a time before 1970', "SELECT id FROM t WHERE seen_at = TIMESTAMPTZ '1969-12-31 23:07:00Z'"],
  ['NaN', 'SELECT count(*) AS n FROM t WHERE isnan(real)'],
  ['files with a NaN', 'SELECT count(*) AS n FROM t WHERE real > 5 AND NOT isnan(real)'],
  ['a truth value', 'SELECT id FROM t WHERE flag AND real < 3 ORDER BY id'],
  [
    'rows without the later column',
    'SELECT count(*) AS n, count(later) AS later, count(never) AS never FROM t',
  ],
  ['rows without a date', 'SELECT count(*) AS n, max(id) AS id FROM t WHERE date IS NULL'],
];

/** The row whose `whole` is 7, the 58th in that order. */
export const row57 = {
  id: 'reading 57 – Zürich',
  whole: 7,
  wide: '1152921504606847033',
  real: 7.125,
  short: 14.25,
  flag: null,
  seen_at: '1969-12-31T23:57:00.000Z',
  bytes: '39',
  day: '1969-12-29',
  never: null,
  later: null,
  date: '2013-01-02',
};
