import { WindrowError } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { columnBuffersFrom } from '../columns/testing/buffers-from-batch.ts';
import { type Action, parseCommit, serializeCommit } from '../delta/actions.ts';
import { DeltaLog } from '../delta/delta-log.ts';
import { commitKey } from '../delta/log-paths.ts';
import { fileKey } from '../ledger/intents.ts';
import { type Claim, LakeTable } from '../ledger/lake-table.ts';
import type { ObjectStore } from '../object-store.ts';
import { createEncoder } from '../parquet/encoders.ts';
import { type ColumnValue, ledgerColumns, type TableColumn, type TableSchema } from '../table-schema.ts';
import { MemoryObjectStore, readTable } from '../testing/index.ts';
import { TableCompactor } from './compactor.ts';
import { smallFilesIn } from './small-files.ts';

const path = 'curated/track';
const topic = 'track.enriched';
const encoder = createEncoder('columnar');
const limits = { maxRows: 1_000, maxBytes: 1_000_000 };
const ownColumns: TableColumn[] = [
  { name: 'at', type: 'timestamp', nullable: true },
  { name: 'wide', type: 'long', nullable: true },
  { name: 'real', type: 'double', nullable: true },
  { name: 'short', type: 'float', nullable: true },
  { name: 'bytes', type: 'binary', nullable: true },
  { name: 'day', type: 'date', nullable: true },
  { name: 'flag', type: 'boolean', nullable: true },
  { name: 'text', type: 'string', nullable: true },
];
const schema: TableSchema = { columns: [...ownColumns, ...ledgerColumns] };

let world: MemoryObjectStore;
let table: LakeTable;
let claim: Claim;
let next = 0;

const store = () => world.client('x');
const openCompactor = async (orderBy = ['at', '_partition', '_offset']) =>
  must(
    await world.runUntil(
      TableCompactor.open(store(), { path, sink: 'lake', orderBy, encoder, host: world.host('x') }),
    ),
  );
const content = () => world.runUntil(readTable(store(), path));
const smallOf = async (compactor: TableCompactor) =>
  smallFilesIn((await world.runUntil(compactor.files())).values(), limits);
const commitAt = (version: number) =>
  parseCommit(must(world.objects.get(commitKey(path, version))).bytes, '');
const lake = () => [...world.objects.keys()];

async function open(of: TableSchema): Promise<void> {
  const options = { path, schema: of, sink: 'lake', host: world.host('x') };
  table = await world.runUntil(LakeTable.open(store(), options));
  claim = await world.runUntil(table.claim([{ topic, partition: 0 }]));
}

/** Commits the rows, without their ledger columns, as one micro-batch with one file. */
async function land(rows: ColumnValue[][], of = schema, namePrefix = '20130101T0000'): Promise<void> {
  const all = rows.map((row, at) => [...row, topic, 0, next + at, world.nowMs]);
  const columns = of.columns.map((_, column) => all.map((row) => row[column] ?? null));
  const encode = () =>
    encoder.encode({ buffers: columnBuffersFrom({ schema: of, rowCount: all.length, columns }) });
  const files = [{ partitionValues: { date: '2013-01-01' }, namePrefix, encode }];
  const ranges = [
    { topic, partition: 0, fromOffset: next, nextOffset: next + rows.length, rows: rows.length },
  ];
  await world.runUntil(table.upload(claim, files).then((upload) => table.commit(upload, ranges)));
  next += rows.length;
}

/** A row with a value in each column. */
const row = (at: number | null): ColumnValue[] => [
  at === null ? null : at * 1_000,
  2n ** 60n + BigInt(at ?? 0),
  at === 3 ? Number.NaN : (at ?? 0) / 8,
  0.25,
  Uint8Array.of(0xff, at ?? 0),
  -3,
  at === null ? null : at % 2 === 0,
  `Zürich ${at}`,
];

beforeEach(async () => {
  world = new MemoryObjectStore(1);
  next = 0;
  await open(schema);
});

describe('a compaction', () => {
  it('leaves the same rows in one file, in the order of time, and changes neither data nor positions', async () => {
    await land([row(5), row(9)]);
    await land([row(1), row(7), row(null)]);
    await land([row(3)], schema, '20130101T0010');
    const before = await content();
    const compactor = await openCompactor();
    const [small, ...others] = await smallOf(compactor);
    expect(others).toEqual([]);
    const compacted = await world.runUntil(compactor.compact(must(small), claim.epochs));
    expect(compacted).toMatchObject({ rows: 5, filesBefore: 2, version: 5, bytesBefore: must(small).bytes });

    const after = await content();
    const byOffset = (a: Record<string, unknown>, b: Record<string, unknown>) =>
      Number(a._offset) - Number(b._offset);
    expect(after.rows.toSorted(byOffset)).toEqual(before.rows.toSorted(byOffset));
    expect(after.txns).toEqual(before.txns);
    expect(after.named).toHaveLength(2);
    const inFile = after.rows.filter(({ at }) => at === null || Number(at) !== 3);
    expect(inFile.map(({ at }) => at && Number(at))).toEqual([null, 1, 5, 7, 9]);
    const file = must(after.named.find((key) => key.includes('20130101T0000')));
    expect(file).toMatch(/^curated\/track\/date=2013-01-01\/20130101T0000-[^/]+\.parquet$/);

    const [{ commitInfo }, ...actions] = commitAt(5) as [Action, ...Action[]];
    expect(commitInfo).toMatchObject({
      operation: 'OPTIMIZE',
      isBlindAppend: false,
      operationMetrics: { numRemovedFiles: 2, numAddedFiles: 1, numOutputRows: 5 },
    });
    expect(actions.map((action) => Object.keys(action)[0])).toEqual(['remove', 'remove', 'add']);
    for (const { remove, add } of actions) expect((remove ?? add)?.dataChange).toBe(false);
    expect(must(actions[0]).remove).toEqual({
      path: must(must(small).files[0]).path,
      deletionTimestamp: world.nowMs,
      dataChange: false,
      extendedFileMetadata: true,
      partitionValues: { date: '2013-01-01' },
      size: must(must(small).files[0]).sizeBytes,
    });
    expect(JSON.parse(must(must(must(actions[2]).add).stats))).toMatchObject({
      numRecords: 5,
      nullCount: { at: 1, text: 0 },
    });
    // The replaced files stay for readers of older versions; the intent is deleted.
    for (const { path: of } of must(small).files) expect(lake()).toContain(fileKey(path, of));
    expect(lake().filter((key) => key.includes('_windrow'))).toEqual([]);
  });

  it('leaves files to a vacuum, a week later or when the table says', async () => {
    await land([row(5)]);
    await land([row(9)]);
    const compactor = await openCompactor();
    await world.runUntil(compactor.compact(must((await smallOf(compactor))[0]), claim.epochs));
    const vacuum = () => world.runUntil(compactor.vacuum(new AbortController().signal));
    world.nowMs += 7 * 24 * 3_600_000 - 1;
    expect(await vacuum()).toBe(0);
    world.nowMs += 1;
    expect(await vacuum()).toBe(2);
    const { rows, named, lying } = await content();
    expect(lying).toEqual(named);
    expect(rows).toHaveLength(2);
  });

  it('takes late rows in again', async () => {
    await land([row(5)]);
    await land([row(9)]);
    const compactor = await openCompactor();
    await world.runUntil(compactor.compact(must((await smallOf(compactor))[0]), claim.epochs));
    expect(await smallOf(compactor)).toEqual([]);
    await land([row(7)]);
    await world.runUntil(compactor.compact(must((await smallOf(compactor))[0]), claim.epochs));
    const { rows, named } = await content();
    expect(named).toHaveLength(1);
    expect(rows.map(({ at }) => Number(at))).toEqual([5, 7, 9]);
  });

  it('goes on beside commits of others, and gives up where one of its files is gone from the log', async () => {
    await land([row(1)]);
    await land([row(2)]);
    const [first, second] = [await openCompactor(), await openCompactor()];
    const [small] = await smallOf(first);
    const [same] = await smallOf(second);
    await land([row(3)]);
    expect(await world.runUntil(first.compact(must(small), claim.epochs))).toBeDefined();
    const before = lake().length;
    expect(await world.runUntil(second.compact(must(same), claim.epochs))).toBeUndefined();
    // Its uploaded files and its intent are deleted.
    expect(lake()).toHaveLength(before);
    expect((await content()).rows).toHaveLength(3);
    // The compactor knows this now, also if a vacuum was faster than its reads.
    expect(await world.runUntil(second.compact(must(same), claim.epochs))).toBeUndefined();
    const third = await openCompactor();
    const [late] = await smallOf(third);
    await world.runUntil(first.compact(must((await smallOf(first))[0]), claim.epochs));
    for (const { path: of } of must(late).files) world.objects.delete(fileKey(path, of));
    expect(await world.runUntil(third.compact(must(late), claim.epochs))).toBeUndefined();
  });

  it('is refused to a former owner, and what it had uploaded is deleted', async () => {
    await land([row(1)]);
    await land([row(2)]);
    const compactor = await openCompactor();
    const [small] = await smallOf(compactor);
    await world.runUntil(table.claim([{ topic, partition: 0 }]));
    const before = lake().length;
    await expect(world.runUntil(compactor.compact(must(small), claim.epochs))).rejects.toMatchObject({
      code: 'LEDGER_LOST',
      retriable: true,
    });
    expect(lake()).toHaveLength(before);
    const [one, other] = [await openCompactor(), await openCompactor()];
    const mine = await world.runUntil(one.claim());
    await world.runUntil(other.claim());
    await expect(world.runUntil(one.compact(must(small), mine))).rejects.toMatchObject({
      code: 'LEDGER_LOST',
    });
  });

  it('changes nothing when it is stopped', async () => {
    await land([row(1)]);
    await land([row(2)]);
    const compactor = await openCompactor();
    const [small] = await smallOf(compactor);
    const before = lake();
    const stopped = compactor.compact(must(small), claim.epochs, AbortSignal.abort(new Error('stopped')));
    await expect(world.runUntil(stopped)).rejects.toThrow('stopped');
    expect(lake()).toEqual(before);
  });

  it('finds out later what became of it when the store has gone silent, and leaves no file that nobody names', async () => {
    for (const lands of [true, false]) {
      await land([row(1)]);
      await land([row(2)]);
      let silent = false;
      const noAnswer = new WindrowError('S3_FAILED', 'no answer', { retriable: true });
      const own = store();
      const patient = { ...world.host('x'), pause: async () => {} };
      const silentStore: ObjectStore = {
        ...own,
        putIfAbsent: async (key, bytes) => {
          if (lands) await own.putIfAbsent(key, bytes);
          silent = true;
          throw noAnswer;
        },
        list: (range) => {
          if (silent) throw noAnswer;
          return own.list(range);
        },
      };
      const options = { path, sink: 'lake', orderBy: ['at'], encoder, host: patient };
      const compactor = must(await world.runUntil(TableCompactor.open(silentStore, options)));
      const [small] = await smallOf(compactor);
      await expect(world.runUntil(compactor.compact(must(small), claim.epochs))).rejects.toBe(noAnswer);
      expect(lake().filter((key) => key.includes('_windrow'))).toHaveLength(1);
      silentStore.putIfAbsent = own.putIfAbsent;
      silent = false;
      const files = await world.runUntil(compactor.files());
      expect(files.size).toBe(lands ? 1 : 3);
      expect(lake().filter((key) => key.includes('_windrow'))).toEqual([]);
      // In the second round, only the two files that the first round replaced are unnamed.
      const { named, lying } = await content();
      expect(lying.length - named.length).toBe(2);
    }
  });

  it('reads files from before a column was added as null there', async () => {
    const narrow = { columns: [must(ownColumns[0]), ...ledgerColumns] };
    world = new MemoryObjectStore(1);
    next = 0;
    await open(narrow);
    await land([[1]], narrow);
    await open(schema);
    await land([row(2)]);
    const compactor = await openCompactor();
    await world.runUntil(compactor.compact(must((await smallOf(compactor))[0]), claim.epochs));
    const { rows, named } = await content();
    expect(named).toHaveLength(1);
    expect(rows.map(({ text }) => text)).toEqual([null, 'Zürich 2']);
  });

  it('refuses to lose a row, a column, or a type, and uploads nothing', async () => {
    await land([row(1)]);
    await land([row(2)]);
    const compactor = await openCompactor();
    const [small] = await smallOf(compactor);
    const before = lake().length;
    const fewer = { ...must(small), rows: 3 };
    await expect(world.runUntil(compactor.compact(fewer, claim.epochs))).rejects.toMatchObject({
      code: 'LAKE_LOG_INVALID',
      message: expect.stringContaining('have 2 rows, and the log says 3'),
    });

    const [file] = must(small).files;
    const other: TableSchema = { columns: [{ name: 'theirs', type: 'long', nullable: true }] };
    const strange = await encoder.encode({
      buffers: columnBuffersFrom({ schema: other, rowCount: 1, columns: [[1]] }),
    });
    const own = must(world.objects.get(fileKey(path, must(file).path)));
    world.objects.set(fileKey(path, must(file).path), { ...own, bytes: strange.bytes });
    await expect(world.runUntil(compactor.compact(must(small), claim.epochs))).rejects.toMatchObject({
      code: 'LAKE_LOG_INVALID',
      message: expect.stringContaining('no column theirs'),
    });
    world.objects.set(fileKey(path, must(file).path), own);

    const log = must(await world.runUntil(DeltaLog.open(store(), path, world.host('x'))));
    const metaData = {
      ...log.metaData,
      schemaString: log.metaData.schemaString.replace('"timestamp"', '"timestamp_ntz"'),
    };
    const bytes = serializeCommit([{ commitInfo: { operation: 'by another engine' } }, { metaData }]);
    world.objects.set(commitKey(path, log.version + 1), { bytes, modifiedMs: world.nowMs });
    const [again] = await smallOf(compactor);
    await expect(world.runUntil(compactor.compact(must(again), claim.epochs))).rejects.toMatchObject({
      code: 'LAKE_LOG_INVALID',
      message: expect.stringContaining('column at of table'),
    });
    expect(lake()).toHaveLength(before + 1);
  });
});
