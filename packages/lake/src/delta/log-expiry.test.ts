import { must } from '@windrow/runtime/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../testing/index.ts';
import { serializeCommit } from './actions.ts';
import { DeltaLog } from './delta-log.ts';
import { expireLog } from './log-expiry.ts';
import { checkpointKey, commitKey, lastCheckpointKey, logPrefix } from './log-paths.ts';
import { deletedFileRetentionMs, intervalMs, logRetentionMs } from './retention.ts';

const root = 'raw/track';
const dayMs = 24 * 3_600_000;
const protocol = { minReaderVersion: 1, minWriterVersion: 2 };
const metaDataWith = (configuration: Record<string, string>) => ({
  id: 'id',
  format: { provider: 'parquet', options: {} },
  schemaString: '{"type":"struct","fields":[]}',
  partitionColumns: ['date'],
  configuration,
});

describe('a retention among the properties of a table', () => {
  it.each<[string, number | undefined]>([
    ['interval 7 days', 7 * dayMs],
    ['interval 1 week', 7 * dayMs],
    ['1 day 12 hours', 1.5 * dayMs],
    ['INTERVAL 0 SECONDS', 0],
    ['interval 1 month', undefined],
    ['interval -1 days', undefined],
    ['7', undefined],
    ['', undefined],
  ])('%j is %j ms', (text, ms) => {
    expect(intervalMs(text)).toBe(ms);
  });

  it('has Delta’s defaults, and keeps everything where it is not understood or clean-up is off', () => {
    expect(logRetentionMs({})).toBe(30 * dayMs);
    expect(deletedFileRetentionMs({})).toBe(7 * dayMs);
    expect(deletedFileRetentionMs({ 'delta.deletedFileRetentionDuration': 'a while' })).toBe(Infinity);
    const off = { 'delta.enableExpiredLogCleanup': 'false', 'delta.logRetentionDuration': '1 day' };
    expect(logRetentionMs(off)).toBe(Infinity);
  });
});

describe('the expiry of log entries', () => {
  let world: MemoryObjectStore;
  const expire = (cutDay: number, atMost?: number) =>
    world.runUntil(expireLog(world.client('x'), root, cutDay * dayMs, atMost));
  const left = () =>
    [...world.objects.keys()]
      .filter((key) => key !== lastCheckpointKey(root))
      .map((key) => key.slice(logPrefix(root).length).replace(/^0+(?=\d)/, ''))
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
  const put = (key: string, modifiedDay: number) =>
    world.objects.set(key, { bytes: new Uint8Array(), modifiedMs: modifiedDay * dayMs });

  /** Version n is committed on day n; the checkpoints of versions 3, 6 and 9 are written a day later. */
  beforeEach(() => {
    world = new MemoryObjectStore(1);
    for (let version = 0; version <= 10; version++) put(commitKey(root, version), version);
    for (const version of [3, 6, 9]) put(checkpointKey(root, version), version + 1);
    put(lastCheckpointKey(root), 10);
  });

  it('deletes what lies before the last checkpoint that is older than every kept version', async () => {
    // The table at day 7.5 is version 7, which needs checkpoint 6 and the commits after it.
    expect(await expire(7.5)).toBe(7);
    expect(left()).toEqual([
      '6.checkpoint.parquet',
      '6.json',
      '7.json',
      '8.json',
      '9.checkpoint.parquet',
      '9.json',
      '10.json',
    ]);
    expect(await expire(7.5)).toBe(0);
  });

  it('deletes nothing where there is no checkpoint before the cut, also where one comes after it', async () => {
    expect(await expire(2)).toBe(0);
    // Version 3 is not older than the cut, so its checkpoint can't restore the table just before the cut.
    expect(await expire(3)).toBe(0);
    expect(await expire(3.5)).toBe(3);
  });

  it('keeps the newest checkpoint and what follows it of a table that nobody has written to for long', async () => {
    expect(await expire(1_000)).toBe(11);
    expect(left()).toEqual(['9.checkpoint.parquet', '9.json', '10.json']);
  });

  it('takes a checkpoint with a part missing for none', async () => {
    const whole = checkpointKey(root, 9);
    world.objects.delete(whole);
    put(whole.replace('.parquet', '.0000000001.0000000002.parquet'), 9);
    expect(await expire(1_000)).toBe(7);
    expect(left()).toContain('6.checkpoint.parquet');
  });

  it('deletes the oldest first, no more than it is told, so that the rest has no gap', async () => {
    expect(await expire(1_000, 4)).toBe(4);
    // The fourth is the checkpoint, which sorts before its commit.
    expect(left().slice(0, 2)).toEqual(['3.json', '4.json']);
  });

  it('follows a checkpoint by itself, by the retention of the table', async () => {
    world = new MemoryObjectStore(1);
    const commit = (version: number, bytes: Uint8Array) =>
      world.objects.set(commitKey(root, version), { bytes, modifiedMs: world.nowMs });
    const configuration = { 'delta.logRetentionDuration': 'interval 2 days' };
    commit(0, serializeCommit([{ protocol }, { metaData: metaDataWith(configuration) }]));
    const log = must(await world.runUntil(DeltaLog.open(world.client('x'), root, world.host('x'))));
    for (const version of [1, 2, 3]) {
      await world.runUntil(
        log.append(() => ({
          step: 'claim',
          operation: 'WINDROW CLAIM',
          actions: [{ txn: { appId: 'a', version } }],
        })),
      );
      await world.runUntil(log.checkpoint());
      world.nowMs += 1.5 * dayMs;
    }
    expect(left()).toEqual([
      '1.checkpoint.parquet',
      '1.json',
      '2.checkpoint.parquet',
      '2.json',
      '3.checkpoint.parquet',
      '3.json',
    ]);
    const reopened = must(await world.runUntil(DeltaLog.open(world.client('y'), root, world.host('y'))));
    expect([reopened.version, reopened.txns.get('a')]).toEqual([3, 3]);
  });

  it('writes no tombstone into a checkpoint whose retention is over by a day', async () => {
    world = new MemoryObjectStore(1);
    const configuration = { 'delta.deletedFileRetentionDuration': 'interval 2 days' };
    const remove = (path: string, day: number) => ({
      remove: { path, deletionTimestamp: world.nowMs - day * dayMs, dataChange: false },
    });
    const actions = [
      { protocol },
      { metaData: metaDataWith(configuration) },
      remove('new', 2.9),
      remove('old', 3.1),
    ];
    world.objects.set(commitKey(root, 0), { bytes: serializeCommit(actions), modifiedMs: world.nowMs });
    const log = must(await world.runUntil(DeltaLog.open(world.client('x'), root, world.host('x'))));
    await world.runUntil(log.checkpoint());
    const { removes } = await world.runUntil(log.files());
    expect([...removes.keys()]).toEqual(['new']);
  });
});
