import { must } from '@windrow/runtime/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Action, parseCommit, serializeCommit } from '../delta/actions.ts';
import { DeltaLog } from '../delta/delta-log.ts';
import { commitKey } from '../delta/log-paths.ts';
import { readableVersions, versionAt } from '../delta/readable-versions.ts';
import { MemoryObjectStore } from '../testing/index.ts';
import { TableRestore } from './restore.ts';
import { condemnGarbage } from './vacuum.ts';

const root = 'raw/track';
const dayMs = 24 * 3_600_000;
const schema = (...columns: [string, string][]) =>
  JSON.stringify({
    type: 'struct',
    fields: columns.map(([name, type]) => ({ name, type, nullable: true, metadata: {} })),
  });
const metaData = {
  ...{ id: 'id', format: { provider: 'parquet', options: {} }, partitionColumns: ['date'] },
  ...{ schemaString: schema(['n', 'long']), configuration: {} },
};
const txn = (appId: string, version: number): Action => ({ txn: { appId, version } });
const at = (partition: number, nextOffset: number) => [
  txn(`lake:t:${partition}`, nextOffset),
  txn(`lake:t:${partition}#rows`, nextOffset),
];
const add = (path: string, rows: number): Action => ({
  add: {
    ...{ path, partitionValues: { date: null }, size: 3, modificationTime: 1, dataChange: true },
    stats: JSON.stringify({ numRecords: rows }),
  },
});
const everything = new Map([
  [
    't',
    new Map([
      [0, 0],
      [1, 0],
    ]),
  ],
]);

let world: MemoryObjectStore;
let newest: number;
const store = () => world.client('x');
const host = () => world.host('x');
const remove = (path: string): Action => ({
  remove: { path, deletionTimestamp: world.nowMs, dataChange: false },
});

/** Each version is a day after the previous one. The files that it adds exist. */
function commit(...actions: Action[]): void {
  newest += 1;
  world.nowMs += dayMs;
  for (const { add } of actions)
    if (add) world.objects.set(`${root}/${add.path}`, { bytes: new Uint8Array(3), modifiedMs: world.nowMs });
  world.objects.set(commitKey(root, newest), { bytes: serializeCommit(actions), modifiedMs: world.nowMs });
}

const prepare = (version: number) =>
  world.runUntil(TableRestore.prepare(store(), { path: root, sink: 'lake', version, host: host() }));
const restored = (restore: TableRestore | undefined, retained = everything) =>
  world.runUntil(must(restore).commit(retained));
const openLog = async () =>
  must(await world.runUntil(DeltaLog.open(store(), root, host(), { withFiles: true })));
const refused = (part: string) => ({ code: 'RESTORE_REFUSED', message: expect.stringContaining(part) });
const committed = (version: number) => {
  const commit = world.objects.get(commitKey(root, version));
  return commit && parseCommit(commit.bytes, `version ${version}`);
};

async function vacuum(cutMs: number): Promise<void> {
  const by = { sink: 'lake', host: host(), cutMs };
  await world.runUntil(condemnGarbage(store(), await openLog(), by));
}

/** 0: creates the table, 1: a claim, 2: file a up to offset 5, 3: file b up to offset 8, 4: both compacted into c. */
beforeEach(() => {
  world = new MemoryObjectStore(1);
  newest = -1;
  commit({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData });
  commit(txn('lake:t:0#owner', 1), txn('lake:t:1#owner', 1));
  commit(...at(0, 5), add('a.parquet', 5));
  commit(...at(0, 8), add('b.parquet', 3));
  commit(remove('a.parquet'), remove('b.parquet'), add('c.parquet', 8));
});

describe('a restore', () => {
  it('makes files and ledger those of the version, under new epochs, and says so as Spark does', async () => {
    const result = await restored(await prepare(2));
    expect(result).toMatchObject({ version: 5 });
    const [{ commitInfo } = {}, ...actions] = must(committed(5));
    expect(commitInfo).toMatchObject({
      operation: 'RESTORE',
      operationParameters: { version: 2 },
      operationMetrics: { numRestoredFiles: 1, numRemovedFiles: 1, numOfFilesAfterRestore: 1 },
      readVersion: 4,
      windrow: { sink: 'lake', removedRows: 8 },
    });
    const lastUpdated = world.nowMs;
    expect(actions).toEqual([
      { txn: { appId: 'lake:t:0#owner', version: 2, lastUpdated } },
      { txn: { appId: 'lake:t:0', version: 5, lastUpdated } },
      { txn: { appId: 'lake:t:0#rows', version: 5, lastUpdated } },
      { txn: { appId: 'lake:t:1#owner', version: 2, lastUpdated } },
      {
        remove: {
          ...{
            path: 'c.parquet',
            deletionTimestamp: world.nowMs,
            dataChange: true,
            extendedFileMetadata: true,
          },
          ...{ partitionValues: { date: null }, size: 3 },
        },
      },
      add('a.parquet', 5),
    ]);
  });

  it('changes nothing where the version is as the present', async () => {
    commit(txn('lake:t:0#owner', 2));
    expect(await restored(await prepare(4))).toBeUndefined();
    expect(committed(newest + 1)).toBeUndefined();
    expect(await prepare(6)).toBeUndefined();
  });

  it('takes in what others commit meanwhile, and asks Kafka’s offsets of that too', async () => {
    const [first, second] = [await prepare(3), await prepare(3)];
    commit(...at(1, 4), add('d.parquet', 4));
    const expired = new Map([
      [
        't',
        new Map([
          [0, 0],
          [1, 1],
        ]),
      ],
    ]);
    await expect(restored(first, expired)).rejects.toMatchObject(
      refused('t/1 would go back from offset 4 to 0, and Kafka has it from 1 on'),
    );
    expect(committed(6)).toBeUndefined();
    expect(await restored(second)).toMatchObject({ version: 6 });
    const log = await openLog();
    expect([...log.liveFiles.keys()].sort()).toEqual(['a.parquet', 'b.parquet']);
    expect([log.txns.get('lake:t:0'), log.txns.get('lake:t:1'), log.txns.get('lake:t:1#rows')]).toEqual([
      8, 0, 0,
    ]);
  });

  it('is undone by another one, whose positions go on', async () => {
    await restored(await prepare(1));
    newest += 1;
    expect((await openLog()).liveFiles.size).toBe(0);
    // No offset goes back, so it doesn't matter which events Kafka still has.
    await restored(await prepare(4), new Map());
    const log = await openLog();
    expect([...log.liveFiles.keys()]).toEqual(['c.parquet']);
    expect([log.txns.get('lake:t:0'), log.txns.get('lake:t:0#owner')]).toEqual([8, 3]);
  });

  it('keeps today’s columns, and is refused where another engine has changed one', async () => {
    commit({ metaData: { ...metaData, schemaString: schema(['n', 'long'], ['m', 'string']) } });
    await restored(await prepare(3));
    newest += 1;
    expect((await openLog()).metaData.schemaString).toContain('"m"');
    commit({ metaData: { ...metaData, schemaString: schema(['n', 'string']) } });
    await expect(prepare(3)).rejects.toMatchObject(refused('or are gone: n.'));
    commit({ metaData: { ...metaData, configuration: { 'delta.appendOnly': 'true' } } });
    await expect(prepare(3)).rejects.toMatchObject(refused('delta.appendOnly'));
  });

  it('is refused where another writer has counted what would go', async () => {
    commit(txn('spark-query', 7), add('d.parquet', 1));
    await expect(prepare(4)).rejects.toMatchObject(refused('which would be lost: spark-query.'));
    commit(add('e.parquet', 1));
    expect((await prepare(5))?.changes.removed.map(({ path }) => path)).toEqual(['e.parquet']);
  });
});

describe('a restore and a vacuum', () => {
  it('is refused where a file of the version is gone', async () => {
    world.objects.delete(`${root}/b.parquet`);
    await expect(prepare(3)).rejects.toMatchObject(refused(`memory://${root}/b.parquet.`));
    expect((await prepare(2))?.changes.added).toHaveLength(1);
  });

  it('is refused where a vacuum has said that it deletes them, also between the plan and the commit', async () => {
    const before = await prepare(3);
    await vacuum(world.nowMs);
    expect(committed(5)?.[0]?.commitInfo?.operation).toBe('VACUUM START');
    await expect(prepare(3)).rejects.toMatchObject(refused('deleted 2 of its files, or may any moment'));
    await expect(restored(before)).rejects.toMatchObject(refused('or may any moment'));
    expect(committed(6)).toBeUndefined();
  });

  it('goes on where the vacuum takes older files only; one without garbage commits nothing', async () => {
    await vacuum(world.nowMs - dayMs - 1);
    expect(committed(5)).toBeUndefined();
    commit(remove('c.parquet'), add('d.parquet', 8));
    commit();
    await vacuum(world.nowMs - 2 * dayMs - 1);
    expect(committed(7)?.[0]?.commitInfo?.operation).toBe('VACUUM START');
    newest += 1;
    await expect(prepare(3)).rejects.toMatchObject(refused('2 of its files'));
    expect((await prepare(4))?.changes.added.map(({ path }) => path)).toEqual(['c.parquet']);
  });

  it('counts a removal that a checkpoint has forgotten as none: only young files are sure then', async () => {
    world.nowMs += 9 * dayMs;
    const log = await openLog();
    await world.runUntil(log.checkpoint());
    expect((await world.runUntil(log.files())).removes.size).toBe(0);
    expect((await prepare(3))?.changes.added).toHaveLength(2);
    const { 3: third } = await world.runUntil(readableVersions(store(), root));
    await vacuum(must(third).timeMs - 1);
    newest += 1;
    // The first file is older than this.
    await expect(prepare(3)).rejects.toMatchObject(
      refused(`1 of its files, or may any moment: memory://${root}/a.parquet.`),
    );
  });

  it('has brought its files back for good: the next vacuum takes what it has removed', async () => {
    await restored(await prepare(3));
    newest += 1;
    const by = { sink: 'lake', host: host(), cutMs: world.nowMs };
    const garbage = await world.runUntil(condemnGarbage(store(), await openLog(), by));
    expect(garbage.map(({ key }) => key)).toEqual([`${root}/c.parquet`]);
  });
});

describe('the versions that a log tells', () => {
  it('are those from the first one, or else from a checkpoint on; a time finds the newest one before it', async () => {
    const versions = () => world.runUntil(readableVersions(store(), root));
    const [first] = await versions();
    expect((await versions()).map(({ version }) => version)).toEqual([0, 1, 2, 3, 4]);
    expect(versionAt(await versions(), must(first).timeMs - 1)).toBeUndefined();
    expect(versionAt(await versions(), must(first).timeMs)).toBe(0);
    expect(versionAt(await versions(), must(first).timeMs + 2.5 * dayMs)).toBe(2);
    expect(versionAt(await versions(), world.nowMs + dayMs)).toBe(4);

    await world.runUntil((await openLog()).checkpoint());
    commit(add('d.parquet', 1));
    commit(add('e.parquet', 1));
    for (const version of [0, 1]) world.objects.delete(commitKey(root, version));
    expect((await versions()).map(({ version }) => version)).toEqual([4, 5, 6]);
    // Some of its commits are missing, so the version can't be restored.
    expect(await prepare(3)).toBeUndefined();
    expect((await prepare(5))?.changes.removed.map(({ path }) => path)).toEqual(['e.parquet']);
    expect((await prepare(4))?.changes.removed.map(({ path }) => path)).toEqual(['d.parquet', 'e.parquet']);
  });
});
