import { randomUUID } from 'node:crypto';
import {
  createEncoder,
  LakeTable,
  ledgerColumns,
  smallFilesIn,
  TableCompactor,
  type TableSchema,
} from '@windrow/lake';
import { columnBuffersFrom } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openLake } from './lake-store.ts';
import { lakeReaders } from './readers.ts';

const path = `readers-${randomUUID()}/times`;
const of = { topic: 'times.raw', partition: 0 };
const schema: TableSchema = {
  columns: [{ name: 'seen_at', type: 'timestamp', nullable: true }, ...ledgerColumns],
};
const env = inject('endpoints');
const store = openLake(env);
afterAll(() => store.close());

/** Milliseconds, and with further digits only in the newer file. */
const old = [Date.UTC(1969, 11, 31, 23, 59, 59, 999), Date.UTC(2013, 0, 1, 10, 15, 0, 123), null];

/** A file as Windrow wrote it before it wrote microseconds. */
function oldFile() {
  const time = {
    ...({ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' } as const),
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' } as const,
  };
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    schema: [
      { name: 'root', num_children: 5 },
      { name: 'seen_at', repetition_type: 'OPTIONAL', ...time },
      { name: '_topic', repetition_type: 'REQUIRED', type: 'BYTE_ARRAY', converted_type: 'UTF8' },
      { name: '_partition', repetition_type: 'REQUIRED', type: 'INT32' },
      { name: '_offset', repetition_type: 'REQUIRED', type: 'INT64' },
      { name: '_ingested_at', repetition_type: 'REQUIRED', ...time },
    ],
    columnData: [
      { name: 'seen_at', data: old.map((ms) => (ms === null ? null : BigInt(ms))) },
      { name: '_topic', data: old.map(() => of.topic) },
      { name: '_partition', data: old.map(() => of.partition) },
      { name: '_offset', data: old.map((_, offset) => BigInt(offset)) },
      { name: '_ingested_at', data: old.map(() => 1_400_000_000_001n) },
    ],
  });
  const [least, most] = ['1969-12-31T23:59:59.999Z', '2013-01-01T10:15:00.123Z'];
  const ingested = '2014-05-13T16:53:20.001Z';
  const own = { _topic: of.topic, _partition: 0, _ingested_at: ingested };
  return {
    bytes: writer.getBytes(),
    stats: {
      numRecords: 3,
      minValues: { seen_at: least, _offset: 0, ...own },
      maxValues: { seen_at: most, _offset: 2, ...own },
      nullCount: { seen_at: 1, _topic: 0, _partition: 0, _offset: 0, _ingested_at: 0 },
    },
  };
}

async function land(): Promise<void> {
  const table = await LakeTable.open(store, { path, schema, sink: 'lake' });
  const claim = await table.claim([of]);
  const micros = [Date.UTC(2013, 0, 1, 10, 15, 0, 123) * 1_000 + 456, -1, null];
  const columns = [micros, micros.map(() => of.topic), [0, 0, 0], [3, 4, 5], micros.map(() => 1.4e15 + 1)];
  const newFile = () =>
    createEncoder('columnar').encode({ buffers: columnBuffersFrom({ schema, rowCount: 3, columns }) });
  for (const [index, encode] of [async () => oldFile(), newFile].entries()) {
    const files = [{ partitionValues: { date: '2013-01-01' }, namePrefix: '20130101T0000', encode }];
    const from = 3 * index;
    const ranges = [{ ...of, fromOffset: from, nextOffset: from + 3, rows: 3 }];
    await table.commit(await table.upload(claim, files), ranges);
  }
}

const questions: [sql: string, answer: unknown][] = [
  [
    'SELECT _offset, epoch_us(seen_at) AS us FROM t ORDER BY _offset',
    [-1_000, 1_357_035_300_123_000, null, 1_357_035_300_123_456, -1, null].map((us, _offset) => ({
      _offset,
      us,
    })),
  ],
  // Files are left out by their statistics, and none that has a row.
  ["SELECT _offset FROM t WHERE seen_at = TIMESTAMPTZ '2013-01-01 10:15:00.123456Z'", [{ _offset: 3 }]],
  ["SELECT _offset FROM t WHERE seen_at = TIMESTAMPTZ '2013-01-01 10:15:00.123Z'", [{ _offset: 1 }]],
  [
    "SELECT _offset FROM t WHERE seen_at < TIMESTAMPTZ '1970-01-01 00:00:00Z' ORDER BY seen_at",
    [{ _offset: 0 }, { _offset: 4 }],
  ],
];

/** Without the log, a reader would also read the files that a compaction has replaced. */
async function ask(readers: typeof lakeReaders): Promise<void> {
  for (const [sql, answer] of questions)
    for (const [name, reader] of readers)
      expect(await reader(env, path, sql), `${name}: ${sql}`).toEqual(answer);
}

beforeAll(land, 60_000);

test('readers give times of files with milliseconds and microseconds, also after a compaction', async () => {
  await ask(lakeReaders);
  const options = { path, sink: 'lake', orderBy: ['seen_at'], encoder: createEncoder('columnar') };
  const compactor = must(await TableCompactor.open(store, options));
  const epochs = await compactor.claim();
  const [small] = smallFilesIn((await compactor.files()).values(), { maxRows: 100, maxBytes: 1_000_000 });
  expect(await compactor.compact(must(small), epochs)).toMatchObject({ rows: 6, filesBefore: 2 });
  await ask(lakeReaders.slice(0, 2));
}, 240_000);
