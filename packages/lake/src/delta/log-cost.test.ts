import { must } from '@windrow/runtime/testing';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../object-store.ts';
import { MemoryObjectStore } from '../testing/index.ts';
import { type Action, serializeCommit } from './actions.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { DeltaLog } from './delta-log.ts';
import { checkpointKey, commitKey, lastCheckpointKey } from './log-paths.ts';

const root = 'raw/track';
const minuteMs = 60_000;
const liveFiles = 200;

/** The requests of a process to its store. */
interface Cost {
  gets: number;
  puts: number;
  lists: number;
  deletes: number;
  listedKeys: number;
  /** Bytes read and written. */
  bytes: number;
}

function counting(store: ObjectStore): { store: ObjectStore; take(): Cost } {
  const none = (): Cost => ({ gets: 0, puts: 0, lists: 0, deletes: 0, listedKeys: 0, bytes: 0 });
  let cost = none();
  const counted: ObjectStore = {
    ...store,
    get: async (key) => {
      const bytes = await store.get(key);
      cost.gets += 1;
      cost.bytes += bytes?.length ?? 0;
      return bytes;
    },
    put: async (key, bytes) => {
      cost.puts += 1;
      cost.bytes += bytes.length;
      await store.put(key, bytes);
    },
    putIfAbsent: async (key, bytes) => {
      cost.puts += 1;
      cost.bytes += bytes.length;
      return store.putIfAbsent(key, bytes);
    },
    async *list(range) {
      cost.lists += 1;
      for await (const entry of store.list(range)) {
        cost.listedKeys += 1;
        yield entry;
      }
    },
    delete: async (key) => {
      cost.deletes += 1;
      await store.delete(key);
    },
  };
  const take = () => {
    const taken = cost;
    cost = none();
    return taken;
  };
  return { store: counted, take };
}

const add = (name: string) => ({
  add: {
    path: `date=2013-01-01/20130101T0000-${name}.parquet`,
    partitionValues: { date: '2013-01-01' },
    size: 4_000,
    modificationTime: 1,
    dataChange: true,
    stats: '{"numRecords":100}',
  },
});

/**
 * A table with so many commits, one per minute, and a checkpoint at every 20th, of which the last three are kept. The number
 * of its files is constant, whatever has been compacted.
 */
function tableOf(commits: number): MemoryObjectStore {
  const world = new MemoryObjectStore(1);
  const state: Action[] = [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        ...{ id: 'id', format: { provider: 'parquet', options: {} }, partitionColumns: ['date'] },
        ...{ schemaString: '{"type":"struct","fields":[]}', configuration: {} },
      },
    },
    ...Array.from({ length: liveFiles }, (_, n) => add(String(n).padStart(5, '0'))),
  ];
  const put = (key: string, bytes: Uint8Array, version: number) =>
    world.objects.set(key, { bytes, modifiedMs: world.nowMs - (commits - version) * minuteMs });
  const commitOf = (version: number): Action[] => [
    { commitInfo: { txnId: String(version).padStart(5, '0') } },
    { txn: { appId: 'lake:track.raw:0', version: 10_000 + version } },
  ];
  put(commitKey(root, 0), serializeCommit(state), 0);
  for (let version = 1; version < commits; version++) {
    put(commitKey(root, version), serializeCommit(commitOf(version)), version);
  }
  const last = commits - 1 - ((commits - 1) % 20);
  for (let version = last - 40; version <= last; version += 20) {
    put(checkpointKey(root, version), writeCheckpoint([...state, must(commitOf(version)[1])]), version);
  }
  put(
    lastCheckpointKey(root),
    new TextEncoder().encode(`{"version":${String(last).padStart(6, ' ')}}`),
    commits,
  );
  return world;
}

/** Opens the table, then makes 20 commits and the checkpoint that follows them. */
async function costsOf(commits: number): Promise<{ opening: Cost; committing: Cost }> {
  const world = tableOf(commits);
  const { store, take } = counting(world.client('x'));
  const log = must(await world.runUntil(DeltaLog.open(store, root, world.host('x'))));
  expect(log.version).toBe(commits - 1);
  const opening = take();
  for (let commit = 0; commit < 20; commit++) {
    const draft = {
      step: 'commit' as const,
      operation: 'WRITE',
      actions: [{ txn: { appId: 'lake:track.raw:0', version: 20_000 + commit } }, add(`new-${commit}`)],
    };
    await world.runUntil(log.append(() => draft));
    expect(await world.runUntil(log.checkpointWhenDue())).toEqual({});
  }
  expect(log.checkpointVersion).toBeGreaterThan(commits);
  return { opening, committing: take() };
}

describe('a log of 10,000 commits', () => {
  it('costs as much to open and to commit to as one of 100: requests, listed keys, and bytes within one in a hundred', {
    timeout: 60_000,
  }, async () => {
    const young = await costsOf(110);
    const old = await costsOf(10_010);
    for (const part of ['opening', 'committing'] as const) {
      const { bytes: youngBytes, ...youngRequests } = young[part];
      const { bytes: oldBytes, ...oldRequests } = old[part];
      expect(oldRequests).toEqual(youngRequests);
      expect(Math.abs(oldBytes / youngBytes - 1)).toBeLessThan(0.01);
    }
    // Gets: the hint, the checkpoint and the nine commits after it. The list has two more: the checkpoint's own commit and
    // the hint.
    expect(old.opening).toMatchObject({ gets: 11, lists: 1, listedKeys: 12, puts: 0 });
  });
});
