import {
  createEncoder,
  deleteGarbage,
  garbageIn,
  LakeTable,
  ledgerColumns,
  smallFilesIn,
  systemHost,
  TableCompactor,
  type TableSchema,
} from '@windrow/lake';
import { columnBuffersFrom, createTestBucket, readTable, type TestBucket } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { runReader } from './python.ts';
import { type LakeEnvironment, lakeReaders, readFilesWithDuckDb, readWithDeltaRs } from './readers.ts';

const path = 'curated/numbers';
const of = { topic: 'numbers.raw', partition: 0 };
const encoder = createEncoder('columnar');
const limits = { maxRows: 10_000, maxBytes: 1_000_000 };
const schema: TableSchema = {
  columns: [
    { name: 'at', type: 'timestamp', nullable: true },
    { name: 'text', type: 'string', nullable: true },
    { name: 'real', type: 'double', nullable: true },
    ...ledgerColumns,
  ],
};

let bucket: TestBucket;
let env: LakeEnvironment;
let compactor: TableCompactor;
beforeAll(async () => {
  bucket = await createTestBucket(inject('endpoints'));
  env = { ...inject('endpoints'), LAKE_BUCKET: bucket.options.bucket };
});
afterAll(() => bucket?.store.close());

/** One row and file a micro-batch, their times falling; every third is of another date. */
async function land(table: LakeTable, from: number, to: number): Promise<void> {
  const claim = await table.claim([of]);
  for (let n = from; n < to; n++) {
    const values = [(1.357e12 - n) * 1_000, n % 4 === 0 ? null : `row ${n}`, n / 8, of.topic, 0, n, 1.4e15];
    const columns = values.map((value) => [value]);
    const encode = () => encoder.encode({ buffers: columnBuffersFrom({ schema, rowCount: 1, columns }) });
    const partitionValues = { date: n % 3 === 0 ? '2013-01-02' : '2013-01-01' };
    const upload = await table.upload(claim, [{ partitionValues, namePrefix: '20130101T0000', encode }]);
    await table.commit(upload, [{ ...of, fromOffset: n, nextOffset: n + 1, rows: 1 }]);
  }
}

async function compact(): Promise<void> {
  const epochs = await compactor.claim();
  for (const small of smallFilesIn((await compactor.files()).values(), limits))
    expect(await compactor.compact(small, epochs)).toMatchObject({ filesBefore: small.files.length });
}

const everything = 'SELECT * FROM t ORDER BY _offset';
const offsetsAt = (version: number) => runReader('delta-log.py', ['offsets', path, String(version)], env);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

it('gives every reader the same rows after a compaction, and those of delta-rs any version before it', {
  timeout: 300_000,
}, async () => {
  const { store } = bucket;
  const table = await LakeTable.open(store, { path, schema, sink: 'lake' });
  await land(table, 0, 24);
  const before = await Promise.all(lakeReaders.map(([, reader]) => reader(env, path, everything)));
  expect(before[0]).toHaveLength(24);
  compactor = must(
    await TableCompactor.open(store, {
      ...{ path, sink: 'lake', orderBy: ['at', '_partition', '_offset'], encoder },
    }),
  );
  await compact();
  expect((await readTable(store, path)).named).toHaveLength(2);

  // Versions: 0 creation, 1 claim, 2 to 25 rows, 26 claim by hand, 27 and 28 compactions.
  expect(await readWithDeltaRs(env, path, everything)).toEqual(before[0]);
  expect(await must(lakeReaders[1])[1](env, path, everything)).toEqual(before[1]);
  const counted =
    'SELECT date, count(*) AS n, count(text) AS texts, max("at") AS last FROM t GROUP BY 1 ORDER BY 1';
  expect(await readWithDeltaRs(env, path, counted)).toEqual(
    await must(lakeReaders[1])[1](env, path, counted),
  );
  expect(await offsetsAt(28)).toEqual(upTo(24));
  expect(await offsetsAt(25)).toEqual(upTo(24));
  expect(await offsetsAt(10)).toEqual(upTo(9));

  // A pattern finds the rows twice until a vacuum; who needs plain files takes those that the log names.
  expect(await readFilesWithDuckDb(env, path, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 48 }]);
  const garbage = await garbageIn(store, path, systemHost, Date.now());
  await deleteGarbage(store, garbage);
  expect(garbage).toHaveLength(24);
  for (const [index, [, reader]] of lakeReaders.entries())
    expect(await reader(env, path, everything)).toEqual(before[index]);
  await expect(offsetsAt(10)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

it('takes in what delta-rs has compacted, whose times are microseconds', { timeout: 300_000 }, async () => {
  const { store } = bucket;
  const table = await LakeTable.open(store, { path, schema, sink: 'lake' });
  await land(table, 24, 30);
  expect(await runReader('delta-log.py', ['compact', path], env)).toMatchObject({ files: 2 });
  await land(table, 30, 34);
  const before = await readWithDeltaRs(env, path, everything);
  // By themselves they would not be put together: their names say no window.
  const files = [...(await compactor.files()).values()].filter(
    ({ partitionValues: { date } }) => date === '2013-01-01',
  );
  expect(files.filter((file) => file.path.includes('part-'))).toHaveLength(1);
  const together = {
    ...{
      partitionValues: { date: '2013-01-01' },
      namePrefix: '20130101T0000',
      windowStartMs: undefined,
      files,
    },
    rows: files.reduce((sum, { rows = 0 }) => sum + rows, 0),
    bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
  expect(await compactor.compact(together, await compactor.claim())).toMatchObject({
    filesBefore: files.length,
  });
  expect(await readWithDeltaRs(env, path, everything)).toEqual(before);
});
