import { must } from '@windrow/runtime/testing';
import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../testing/index.ts';
import { type Action, type Protocol, serializeCommit } from './actions.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { DeltaLog } from './delta-log.ts';
import { checkpointKey, commitKey } from './log-paths.ts';

const root = 'raw/track';
const metaData = {
  id: 'id',
  format: { provider: 'parquet', options: {} },
  schemaString: '{"type":"struct","fields":[]}',
  partitionColumns: ['date'],
  configuration: { 'delta.logRetentionDuration': 'interval 30 days' },
  createdTime: 1_357_000_000_000,
};
const protocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };
const add = (path: string) => ({
  add: {
    path,
    partitionValues: { date: '2013-01-01', hour: null },
    size: 3,
    modificationTime: 5,
    dataChange: false,
    stats: '{"numRecords":1}',
  },
});

/** The log of a table as other engines may have left it. */
function logOf(files: Record<string, Uint8Array>) {
  const world = new MemoryObjectStore(1);
  for (const [key, bytes] of Object.entries(files)) world.objects.set(key, { bytes, modifiedMs: 0 });
  const store = world.client('reader');
  const open = () => world.runUntil(DeltaLog.open(store, root, world.host('reader')));
  return { world, open };
}
const commit = (version: number, actions: Action[]) => ({
  [commitKey(root, version)]: serializeCommit(actions),
});

describe('checkpoints', () => {
  const actions = [
    { protocol: { ...protocol, readerFeatures: [], writerFeatures: ['appendOnly'] } },
    { metaData },
    { txn: { appId: 'lake:t:0', version: 2 ** 53 - 1, lastUpdated: 1 } },
    { txn: { appId: 'other', version: 1 } },
    add('date=2013-01-01/a.parquet'),
    { remove: { path: 'b', deletionTimestamp: 7, dataChange: false, partitionValues: {} } },
  ];
  const kinds = ['txn', 'add', 'remove', 'metaData', 'protocol'] as const;

  it('are read back as they were written', async () => {
    expect(await readCheckpoint(writeCheckpoint(actions), kinds, 'test')).toEqual(actions);
  });

  it('give only the kinds that were asked for', async () => {
    const read = await readCheckpoint(writeCheckpoint(actions), ['txn'], 'test');
    expect(read).toEqual([actions[2], actions[3]]);
  });

  it('fail by name when damaged', async () => {
    const bytes = writeCheckpoint(actions).slice(0, 100);
    await expect(readCheckpoint(bytes, kinds, 'the-file')).rejects.toMatchObject({
      code: 'LAKE_LOG_INVALID',
      message: expect.stringContaining('the-file'),
    });
  });
});

describe('a log that other engines write too', () => {
  it('is nothing when there is no table', async () => {
    expect(await logOf({}).open()).toBeUndefined();
  });

  it('may have several-part checkpoints, unfinished ones, unknown actions and files, and a wrong hint', async () => {
    const part = (n: number, of: number) =>
      `${checkpointKey(root, 3).replace('.parquet', '')}.${String(n).padStart(10, '0')}.${String(of).padStart(10, '0')}.parquet`;
    const { world, open } = logOf({
      [part(1, 2)]: writeCheckpoint([{ protocol }, { metaData }, { txn: { appId: 'a', version: 3 } }]),
      [part(2, 2)]: writeCheckpoint([add('x'), add('y')]),
      ...commit(3, []),
      ...commit(4, [{ txn: { appId: 'a', version: 4 } }, { domainMetadata: { domain: 'd' } } as Action]),
      [part(1, 3).replace('003.c', '004.c')]: new Uint8Array(),
      [commitKey(root, 4).replace('.json', '.crc')]: new Uint8Array(),
      ...commit(5, [{ remove: { path: 'x', dataChange: true, deletionTimestamp: 1 } }]),
      [`${root}/_delta_log/_last_checkpoint`]: new TextEncoder().encode('{"version":5,"size":1}'),
    });
    const log = must(await open());
    expect(log.version).toBe(5);
    expect(log.checkpointVersion).toBe(3);
    expect(log.txns.get('a')).toBe(4);
    const { adds, removes } = await world.runUntil(log.files());
    expect([...adds.keys()]).toEqual(['y']);
    expect([...removes.keys()]).toEqual(['x']);
  });

  it.each<[Protocol, string]>([
    [{ minReaderVersion: 2, minWriterVersion: 5 }, 'columnMapping'],
    [{ minReaderVersion: 1, minWriterVersion: 4 }, 'changeDataFeed'],
    [{ minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'] }, 'deletionVectors'],
    [
      { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking', 'appendOnly'] },
      'rowTracking',
    ],
  ])('is refused when it demands %j', async (demanded, feature) => {
    const { open } = logOf(commit(0, [{ protocol: demanded }, { metaData }]));
    await expect(open()).rejects.toMatchObject({
      code: 'LAKE_LOG_INVALID',
      message: expect.stringContaining(feature),
    });
  });

  it('is refused from the moment that a commit raises its protocol', async () => {
    const { world, open } = logOf(commit(0, [{ protocol }, { metaData }]));
    const log = must(await open());
    const raised = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['v2Checkpoint'] };
    const bytes = serializeCommit([{ protocol: raised }]);
    world.objects.set(commitKey(root, 1), { bytes, modifiedMs: 0 });
    await expect(world.runUntil(log.refresh())).rejects.toMatchObject({ code: 'LAKE_LOG_INVALID' });
  });

  it('is refused with a gap, or a line that is no JSON', async () => {
    const gap = logOf({ ...commit(0, [{ protocol }, { metaData }]), ...commit(2, []) });
    await expect(gap.open()).rejects.toMatchObject({
      code: 'LAKE_LOG_INVALID',
      message: expect.stringContaining('gap'),
    });
    const torn = logOf({ [commitKey(root, 0)]: new TextEncoder().encode('{"protocol":{}}\n{"metaD') });
    await expect(torn.open()).rejects.toMatchObject({ message: expect.stringContaining('line 2') });
  });
});
