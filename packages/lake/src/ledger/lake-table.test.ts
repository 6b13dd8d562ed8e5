import { WindrowError } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { DeltaLog } from '../delta/delta-log.ts';
import { commitKey, lastCheckpointKey } from '../delta/log-paths.ts';
import { systemHost } from '../host.ts';
import type { ObjectStore } from '../object-store.ts';
import type { TableSchema } from '../table-schema.ts';
import { createTestBucket, type TestBucket } from '../testing/index.ts';
import { supersededIntentRetentionMs } from './intents.ts';
import { type Claim, LakeTable } from './lake-table.ts';
import type { PlannedFile } from './uploads.ts';

const schema: TableSchema = { columns: [{ name: 'n', type: 'long', nullable: true }] };
const topic = 'track.enriched';
const p0 = { topic, partition: 0 };
const p1 = { topic, partition: 1 };

let bucket: TestBucket;
let tables = 0;
beforeAll(async () => {
  bucket = await createTestBucket(inject('endpoints'));
});
afterAll(() => bucket.store.close());

const newPath = () => `curated/t${++tables}`;
const openTable = (path: string, store: ObjectStore = bucket.store, host = systemHost) =>
  LakeTable.open(store, { path, schema, sink: 'lake', host });

const file = (date = '2013-01-01'): PlannedFile => ({
  partitionValues: { date },
  namePrefix: 'w',
  encode: async () => ({
    bytes: new Uint8Array([1, 2, 3]),
    stats: { numRecords: 1, minValues: { n: 1 }, maxValues: { n: 1 }, nullCount: { n: 0 } },
  }),
});

/** Ten rows for each partition of the claim, starting at `at`. */
const ranges = (claim: Claim, at: number) =>
  claim.positions.map(({ topic, partition }) => ({
    topic,
    partition,
    fromOffset: at,
    nextOffset: at + 10,
    rows: 10,
  }));

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of bucket.store.list({ prefix })) found.push(key);
  return found;
}
const dataFiles = (path: string) => keys(`${path}/date=`);
const intents = (path: string) => keys(`${path}/_windrow/`);

/** The store with some of its calls replaced. */
function storeWith(replaced: Partial<ObjectStore>): ObjectStore {
  const { store } = bucket;
  return {
    get: (key) => store.get(key),
    put: (key, bytes) => store.put(key, bytes),
    putIfAbsent: (key, bytes) => store.putIfAbsent(key, bytes),
    head: (key) => store.head(key),
    list: (range) => store.list(range),
    delete: (key) => store.delete(key),
    url: (key) => store.url(key),
    ...replaced,
  };
}
const noAnswer = () => new WindrowError('S3_FAILED', 'no answer', { retriable: true });

describe('LakeTable on a real S3', () => {
  it('is created once by many, and lands micro-batches with their offsets', async () => {
    const path = newPath();
    const opened = await Promise.all(Array.from({ length: 5 }, () => openTable(path)));
    const table = must(opened[0]);
    const claim = await table.claim([p0, p1]);
    expect(claim.positions).toEqual([
      { ...p0, nextOffset: 0, rows: 0 },
      { ...p1, nextOffset: 0, rows: 0 },
    ]);
    await table.commit(await table.upload(claim, [file(), file('2013-01-02')]), ranges(claim, 0));
    await table.commit(await table.upload(claim, []), [{ ...p0, fromOffset: 10, nextOffset: 15, rows: 0 }]);
    expect(await must(opened[1]).positions()).toEqual([
      { ...p0, nextOffset: 15, rows: 10 },
      { ...p1, nextOffset: 10, rows: 10 },
    ]);
    const files = (await dataFiles(path)).map((key) => key.slice(path.length + 1));
    expect(files).toEqual([
      expect.stringMatching(/^date=2013-01-01\/w-[0-9a-f-]{36}\.parquet$/),
      expect.stringMatching(/^date=2013-01-02\/w-[0-9a-f-]{36}\.parquet$/),
    ]);
    expect(await intents(path)).toEqual([]);
    const log = must(await DeltaLog.open(bucket.store, path, systemHost));
    const { adds } = await log.files();
    expect([...adds.keys()].sort()).toEqual(files);
    expect(JSON.parse(must(must([...adds.values()][0]).stats))).toMatchObject({
      numRecords: 1,
      minValues: { n: 1 },
    });
  });

  it('lets writers of different partitions race, and loses none of their micro-batches', async () => {
    const path = newPath();
    const writers = await Promise.all(
      [0, 1, 2, 3].map(async (partition) => {
        const table = await openTable(path);
        return { table, claim: await table.claim([{ topic, partition }]) };
      }),
    );
    const conflicts = await Promise.all(
      writers.map(async ({ table, claim }) => {
        let sum = 0;
        for (let at = 0; at < 80; at += 10) {
          sum += (await table.commit(await table.upload(claim, [file()]), ranges(claim, at))).conflicts;
        }
        return sum;
      }),
    );
    expect(conflicts.reduce((sum, n) => sum + n)).toBeGreaterThan(0);
    const table = await openTable(path);
    expect(await table.positions()).toEqual(
      [0, 1, 2, 3].map((partition) => ({ topic, partition, nextOffset: 80, rows: 80 })),
    );
    expect(await dataFiles(path)).toHaveLength(32);
  });

  it('refuses a former owner, and removes what it had uploaded', async () => {
    const path = newPath();
    const [old, next] = [await openTable(path), await openTable(path)];
    const oldClaim = await old.claim([p0, p1]);
    await old.commit(await old.upload(oldClaim, [file()]), ranges(oldClaim, 0));
    const upload = await old.upload(oldClaim, [file()]);
    const nextClaim = await next.claim([p1]);
    expect(nextClaim.positions).toEqual([{ ...p1, nextOffset: 10, rows: 10 }]);
    // Even a micro-batch of a partition that it still owns: its files are deleted.
    expect(await dataFiles(path)).toHaveLength(1);
    await expect(
      old.commit(upload, [{ ...p0, fromOffset: 10, nextOffset: 20, rows: 10 }]),
    ).rejects.toMatchObject({
      code: 'LEDGER_LOST',
      retriable: true,
      message: expect.stringContaining('lake:track.enriched:1#owner (epoch 2, claimed 1)'),
    });
    expect(await intents(path)).toEqual([]);
    await next.commit(await next.upload(nextClaim, [file()]), ranges(nextClaim, 10));
    expect(await dataFiles(path)).toHaveLength(2);
  });

  it('refuses a micro-batch that does not begin where the ledger is', async () => {
    const table = await openTable(newPath());
    const claim = await table.claim([p0]);
    await expect(table.commit(await table.upload(claim, [file()]), ranges(claim, 5))).rejects.toMatchObject({
      code: 'LEDGER_LOST',
      message: expect.stringContaining('lake:track.enriched:0 (at offset 0, micro-batch from 5)'),
    });
  });

  it('knows its own commit when the answer was lost, and when the request was', async () => {
    const path = newPath();
    await openTable(path);
    let puts = 0;
    const table = await openTable(
      path,
      storeWith({
        putIfAbsent: async (key, bytes) => {
          puts += 1;
          if (puts % 3 === 1) throw noAnswer();
          const made = await bucket.store.putIfAbsent(key, bytes);
          if (puts % 3 === 2) throw noAnswer();
          return made;
        },
      }),
    );
    // The claim and the second commit: first the request is lost, then the response. The first commit succeeds.
    const claim = await table.claim([p0]);
    await table.commit(await table.upload(claim, [file()]), ranges(claim, 0));
    await table.commit(await table.upload(claim, [file()]), ranges(claim, 10));
    expect(await table.positions()).toEqual([{ ...p0, nextOffset: 20, rows: 20 }]);
    expect(await dataFiles(path)).toHaveLength(2);
    expect(puts).toBe(5);
  });

  it('keeps the upload when it never learns whether it was committed; the next claim settles it', async () => {
    const path = newPath();
    let goes = false;
    let away = false;
    const table = await openTable(
      path,
      storeWith({
        putIfAbsent: async (key, bytes) => {
          const made = await bucket.store.putIfAbsent(key, bytes);
          away = goes;
          if (away) throw noAnswer();
          return made;
        },
        list: (range) => {
          if (away) throw noAnswer();
          return bucket.store.list(range);
        },
      }),
      { ...systemHost, pause: async () => {} },
    );
    const claim = await table.claim([p0]);
    const upload = await table.upload(claim, [file()]);
    goes = true;
    await expect(table.commit(upload, ranges(claim, 0))).rejects.toMatchObject({
      code: 'S3_FAILED',
      retriable: true,
    });
    [goes, away] = [false, false];
    expect((await table.claim([p0])).positions).toEqual([{ ...p0, nextOffset: 10, rows: 10 }]);
    expect(await dataFiles(path)).toHaveLength(1);
  });

  it('sweeps what a crash between upload and commit left, and the intent an hour later', async () => {
    const path = newPath();
    const crashed = await openTable(path);
    await crashed.upload(await crashed.claim([p0]), [file(), file()]);
    expect(await dataFiles(path)).toHaveLength(2);
    let nowMs = Date.now();
    const next = await openTable(path, bucket.store, { ...systemHost, nowMs: () => nowMs });
    // The intent of an active owner is kept.
    await next.claim([p1]);
    expect(await dataFiles(path)).toHaveLength(2);
    await next.claim([p0]);
    expect(await dataFiles(path)).toEqual([]);
    expect(await intents(path)).toHaveLength(1);
    nowMs += supersededIntentRetentionMs + 1;
    expect(await next.sweep()).toEqual({ unnamedFiles: 2, intents: 1 });
    expect(await intents(path)).toEqual([]);
  });

  it('leaves committed files alone when their intent has stayed', async () => {
    const path = newPath();
    const table = await openTable(
      path,
      storeWith({
        delete: async (key) => {
          if (key.includes('/_windrow/')) throw noAnswer();
          await bucket.store.delete(key);
        },
      }),
    );
    const claim = await table.claim([p0]);
    await table.commit(await table.upload(claim, [file()]), ranges(claim, 0));
    expect(await intents(path)).toHaveLength(1);
    expect((await table.claim([p0])).positions).toEqual([{ ...p0, nextOffset: 10, rows: 10 }]);
    expect(await dataFiles(path)).toHaveLength(1);
  });

  it('deletes what it uploaded when an upload fails, and can upload anew under the same claim', async () => {
    const path = newPath();
    let fail = true;
    const table = await openTable(
      path,
      storeWith({
        put: async (key, bytes) => {
          if (fail && key.includes('date=2013-01-02')) throw noAnswer();
          await bucket.store.put(key, bytes);
        },
      }),
    );
    const claim = await table.claim([p0]);
    await expect(table.upload(claim, [file(), file('2013-01-02')])).rejects.toMatchObject({
      code: 'S3_FAILED',
    });
    expect(await dataFiles(path)).toEqual([]);
    fail = false;
    await table.commit(await table.upload(claim, [file(), file('2013-01-02')]), ranges(claim, 0));
    expect(await dataFiles(path)).toHaveLength(2);
  });

  it('goes on from its checkpoint when early commits are gone, also a writer that had not seen them', async () => {
    const path = newPath();
    const table = await openTable(path);
    const behind = await openTable(path);
    const claim = await table.claim([p0]);
    for (let at = 0; at < 250; at += 10) {
      await table.commit(await table.upload(claim, [file()]), ranges(claim, at));
      expect(await table.checkpointWhenDue()).toEqual({});
    }
    const pointer = JSON.parse(new TextDecoder().decode(await bucket.store.get(lastCheckpointKey(path))));
    // Every 20th commit writes a checkpoint; the first is at version 19.
    expect(pointer).toMatchObject({ version: 19, numOfAddFiles: 18 });
    for (let version = 0; version <= 19; version++) await bucket.store.delete(commitKey(path, version));
    const position = { ...p0, nextOffset: 250, rows: 250 };
    expect(await behind.positions()).toEqual([position]);
    const reopened = await openTable(path);
    const next = await reopened.claim([p0]);
    expect(next.positions).toEqual([position]);
    await reopened.commit(await reopened.upload(next, [file()]), ranges(next, 250));
    const { adds } = await must(await DeltaLog.open(bucket.store, path, systemHost)).files();
    expect(adds.size).toBe(26);
    expect(await dataFiles(path)).toHaveLength(26);
  });

  it('commits nothing to a log that is gone', async () => {
    const path = newPath();
    const table = await openTable(path);
    const claim = await table.claim([p0]);
    const upload = await table.upload(claim, [file()]);
    for (const key of await keys(`${path}/`)) await bucket.store.delete(key);
    await expect(table.commit(upload, ranges(claim, 0))).rejects.toMatchObject({
      code: 'LAKE_LOG_INVALID',
      retriable: false,
      message: expect.stringContaining('no longer exists'),
    });
    expect(await keys(`${path}/_delta_log`)).toEqual([]);
  });

  it('adds columns that the schema has and the table lacks, once, and drops none', async () => {
    const path = newPath();
    await openTable(path);
    const wider: TableSchema = { columns: [{ name: 'city', type: 'string', nullable: false }] };
    await Promise.all(
      [0, 1, 2].map(() => LakeTable.open(bucket.store, { path, schema: wider, sink: 'lake' })),
    );
    const log = must(await DeltaLog.open(bucket.store, path, systemHost));
    expect(log.version).toBe(1);
    const { fields } = JSON.parse(log.metaData.schemaString);
    expect(fields).toMatchObject([
      { name: 'n', type: 'long' },
      { name: 'city', type: 'string', nullable: true },
      { name: 'date', type: 'date' },
    ]);
    const other: TableSchema = { columns: [{ name: 'n', type: 'string', nullable: true }] };
    await expect(LakeTable.open(bucket.store, { path, schema: other, sink: 'lake' })).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      message: expect.stringContaining('column n'),
    });
  });
});
