import { WindrowError } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { beforeEach, expect, it } from 'vitest';
import { columnBuffersFrom } from '../columns/testing/buffers-from-batch.ts';
import { parseCommit } from '../delta/actions.ts';
import { commitKey } from '../delta/log-paths.ts';
import { type Claim, LakeTable } from '../ledger/lake-table.ts';
import { createEncoder } from '../parquet/encoders.ts';
import { type ColumnValue, ledgerColumns, type TableSchema } from '../table-schema.ts';
import { MemoryObjectStore, readTable } from '../testing/index.ts';
import { type Compacted, TableCompactor } from './compactor.ts';
import { type RowsToReplace, TableReplacement } from './replacement.ts';
import { smallFilesIn } from './small-files.ts';

const path = 'curated/track';
const topic = 'track.enriched';
const encoder = createEncoder('columnar');
const schema: TableSchema = {
  columns: [
    { name: 'text', type: 'string', nullable: true },
    { name: '_raw_offset', type: 'long', nullable: true },
    ...ledgerColumns,
  ],
};

let world: MemoryObjectStore;
let table: LakeTable;
let claim: Claim;
let next: number;

const open = async () =>
  must(
    await world.runUntil(
      TableReplacement.open(world.client('y'), {
        ...{ path, sink: 'lake', idColumns: [], encoder, host: world.host('y') },
      }),
    ),
  );
const encoded = (rows: ColumnValue[][]) => () =>
  encoder.encode({
    buffers: columnBuffersFrom({
      ...{ schema, rowCount: rows.length },
      columns: schema.columns.map((_, column) => rows.map((row) => row[column] ?? null)),
    }),
  });
/** Text, raw offset, partition and offset of a committed row. */
const row = (text: string, rawOffset: number): ColumnValue[] => [text, rawOffset, topic, 0, rawOffset, 1_000];
const fileOf = (rows: ColumnValue[][]) => ({
  partitionValues: { date: '2013-01-01' },
  namePrefix: '20130101T0000',
  encode: encoded(rows),
});

/** Commits one micro-batch with one file. */
async function land(...texts: string[]): Promise<void> {
  const rows = texts.map((text, at) => row(text, next + at));
  const ranges = [
    { topic, partition: 0, fromOffset: next, nextOffset: next + rows.length, rows: rows.length },
  ];
  await world.runUntil(table.upload(claim, [fileOf(rows)]).then((upload) => table.commit(upload, ranges)));
  next += rows.length;
}

/** The rows of these offsets. */
const between = (from: number, to: number): RowsToReplace => ({
  columns: ['_partition', '_raw_offset'],
  has: (partition, offset) => partition === 0 && offset >= from && offset < to,
  mayBeIn: (stats) =>
    Number(stats?.minValues?._raw_offset) < to && Number(stats?.maxValues?._raw_offset) >= from,
});

async function texts(): Promise<string[]> {
  const { rows } = await world.runUntil(readTable(world.client('x'), path));
  return rows.sort((a, b) => Number(a._offset) - Number(b._offset)).map(({ text }) => String(text));
}

async function staged(replacement: TableReplacement, ...rows: ColumnValue[][]) {
  const epochs = await world.runUntil(replacement.claim());
  const uploads = rows.length === 0 ? [] : [await world.runUntil(replacement.upload([fileOf(rows)], epochs))];
  const commit = (rowsToReplace: RowsToReplace, landedUntil = next) =>
    world.runUntil(
      replacement.commit(
        {
          ...{ id: 1, topic, rows: rowsToReplace, staged: uploads },
          landedUntil: new Map([[0, landedUntil]]),
          added: new Map([[0, rows.length]]),
        },
        epochs,
      ),
    );
  return commit;
}

beforeEach(async () => {
  world = new MemoryObjectStore(1);
  next = 0;
  const options = { path, schema, sink: 'lake', host: world.host('x') };
  table = await world.runUntil(LakeTable.open(world.client('x'), options));
  claim = await world.runUntil(table.claim([{ topic, partition: 0 }]));
  await land('a', 'b', 'c');
  await land('d', 'e');
  await land('f');
});

it('replaces the rows in one commit; others of their files stay, and other files as they are', async () => {
  const commit = await staged(await open(), row('B', 1), row('C', 2), row('D', 3));
  const { version } = await commit(between(1, 4));
  expect(await texts()).toEqual(['a', 'B', 'C', 'D', 'e', 'f']);
  const actions = parseCommit(must(world.objects.get(commitKey(path, version))).bytes, '');
  expect(actions.filter(({ remove }) => remove)).toHaveLength(2);
  expect(actions.find(({ commitInfo }) => commitInfo)).toMatchObject({
    commitInfo: { operation: 'WINDROW REPLAY', operationMetrics: { numReplacedRows: 3 } },
  });
  const { txns, named, lying } = await world.runUntil(readTable(world.client('x'), path));
  expect(Object.fromEntries(txns)).toMatchObject({
    'lake:track.enriched:0': 6,
    'lake:track.enriched:0#rows': 6,
    'lake:replay#version': version,
  });
  expect(txns.has('lake:track.enriched:0#replayed')).toBe(false);
  // No intent is left, and no file that the log doesn't know. The removed files are kept for a while.
  expect([...world.objects.keys()].filter((key) => key.includes('_windrow/intents/'))).toEqual([]);
  expect(lying).toEqual(expect.arrayContaining(named));
  expect(lying).toHaveLength(named.length + 2);
});

it('counts the rows that go without another in their place, and those that come back', async () => {
  const replacement = await open();
  await (await staged(replacement, row('B', 1)))(between(0, 5));
  expect(await texts()).toEqual(['B', 'f']);
  const rowsAndReplayed = async () => {
    const { txns } = await world.runUntil(readTable(world.client('x'), path));
    return [txns.get('lake:track.enriched:0#rows'), txns.get('lake:track.enriched:0#replayed')];
  };
  expect(await rowsAndReplayed()).toEqual([2, -4]);
  await land('g');
  expect(await rowsAndReplayed()).toEqual([3, -4]);
  await (await staged(replacement, row('a', 0), row('B', 1), row('c', 2)))(between(0, 3));
  expect(await rowsAndReplayed()).toEqual([5, -2]);
  expect(await texts()).toEqual(['a', 'B', 'c', 'f', 'g']);
});

it('is committed once, however often it is asked for', async () => {
  const commit = await staged(await open(), row('B', 1));
  const first = await commit(between(1, 2));
  expect(await commit(between(1, 2))).toEqual({ version: first.version, wasCommitted: true });
  expect(await texts()).toEqual(['a', 'B', 'c', 'd', 'e', 'f']);
});

it('goes on where the sink has landed more, and a compaction has taken its files meanwhile', async () => {
  const commit = await staged(await open(), row('B', 1), row('E', 4));
  await land('g', 'h');
  const compactor = must(
    await world.runUntil(
      TableCompactor.open(world.client('z'), {
        ...{ path, sink: 'lake', orderBy: ['_offset'], encoder, host: world.host('z') },
      }),
    ),
  );
  const [small] = smallFilesIn((await world.runUntil(compactor.files())).values(), {
    maxRows: 1_000,
    maxBytes: 1_000_000,
  });
  // The replacement reads its files before the compaction and commits after it.
  const replacing = { ...between(1, 5) };
  let isCompacted = false;
  const { has } = replacing;
  let compacting: Promise<Compacted | undefined> = Promise.resolve(undefined);
  replacing.has = (partition, offset) => {
    if (!isCompacted) compacting = compactor.compact(must(small), claim.epochs);
    isCompacted = true;
    return has(partition, offset);
  };
  const { version } = await commit(replacing, 6);
  const compacted = await world.runUntil(compacting);
  expect(compacted?.version).toBeLessThan(version);
  expect(await texts()).toEqual(['a', 'B', 'E', 'f', 'g', 'h']);
});

it.each([
  ['another replay has claimed the table', async () => void (await staged(await open()))],
  ['what had landed is gone', async () => undefined],
])('changes nothing where %s', async (what, meanwhile) => {
  const commit = await staged(await open(), row('B', 1));
  await meanwhile();
  const landedUntil = what.startsWith('what had landed') ? next + 1 : next;
  const error = await commit(between(1, 2), landedUntil).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WindrowError);
  expect(error).toMatchObject({ code: 'LEDGER_LOST' });
  expect(await texts()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});
