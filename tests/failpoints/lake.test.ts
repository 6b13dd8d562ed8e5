import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DeltaLog,
  datePartition,
  deleteGarbage,
  garbageIn,
  LakeTable,
  readHistory,
  type S3ObjectStore,
  systemHost,
} from '@windrow/lake';
import { readColumns } from '@windrow/operations';
import { type Failpoint, retry } from '@windrow/runtime';
import type { StackEndpoints } from '@windrow/stack';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { feedsOf, type PlannedFeed } from '../../services/lake-sink/src/feeds.ts';
import { openLake } from '../readers/lake-store.ts';
import { readFilesWithDuckDb, readWithDeltaRs } from '../readers/readers.ts';
import { recordReached, testEachFailpoint } from './every-failpoint.ts';
import {
  type Installation,
  recoveryMs,
  startInstallation,
  trackEvents,
  undecodable,
} from './installation.ts';

const commitsPerCheckpoint = 20;
let here: Installation;
let feeds: PlannedFeed[];
/** Events of `track.enriched` that a sink refuses, of all tests. */
let undecodables = 0;

beforeAll(async () => {
  here = await startInstallation(['kafka', 'registry', 's3'], 2);
  feeds = feedsOf(here.contracts, here.avro, () => undefined);
});
afterAll(() => here?.stop());

/** A lake without any table; the topics keep what was sent, so its sink begins with all of it. */
async function emptyLake() {
  const bucket = `lake-${randomUUID()}`;
  const env: StackEndpoints = { ...here.stack.endpoints, LAKE_BUCKET: bucket, LAKE_COMPACTION: 'on' };
  const client = new S3Client({
    region: env.AWS_REGION ?? '',
    endpoint: env.S3_ENDPOINT ?? '',
    forcePathStyle: true,
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
    },
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return { env, store: openLake(env) };
}

type Lake = Awaited<ReturnType<typeof emptyLake>>;

async function sendSome(): Promise<void> {
  const events = trackEvents(120);
  for (const topic of ['track.raw', 'track.enriched'])
    await here.send(topic, [...events.map((event) => here.encode(topic, event)), undecodable()]);
  undecodables += 1;
  const observed = { city: 'Zurich', observed_at: events[0]?.occurred_at, temperature_c: 20 };
  await here.send('weather.raw', [here.encode('weather.raw', observed)]);
}

async function openLog(store: S3ObjectStore, table: string): Promise<DeltaLog> {
  const log = await DeltaLog.open(store, table, systemHost);
  if (!log) throw new Error(`there is no table ${table}`);
  return log;
}

const done = ({ store }: Lake) =>
  vi.waitFor(async () => {
    for (const { topic, table } of feeds) {
      const { txns } = await openLog(store, table);
      const ends = await here.broker.endOffsets(topic);
      for (const [partition, end] of ends)
        expect([topic, partition, txns.get(`lake:${topic}:${partition}`) ?? 0]).toEqual([
          topic,
          partition,
          end,
        ]);
    }
  }, recoveryMs);

const placesIn = async (store: S3ObjectStore, keys: string[]) => {
  const files = await Promise.all(keys.map((key) => readColumns(store, key, ['_partition', '_offset'])));
  return files.flat().map(({ _partition, _offset }) => `${_partition}/${_offset}`);
};

/**
 * Every table has each record of its topic once, and its files, read without the log, say the same as the log. Each event
 * that a sink has refused is a dead letter once.
 */
async function expectExactlyOnce({ store }: Lake): Promise<void> {
  const letters = (await here.read('dead-letter')).map(({ value }) => value);
  const places = letters.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
  expect(new Set(places).size).toBe(undecodables);
  expect(places.length).toBe(undecodables);
  for (const { topic, table } of feeds) {
    const sent = (await here.read(topic)).map(({ partition, input }) => `${partition}/${input.offset}`);
    // What a compaction has replaced lies there until vacuum; what no commit names must not.
    // Where the log expires at once, what was listed may be gone a moment later.
    const garbage = await retry(() => garbageIn(store, table, systemHost, Date.now()));
    await deleteGarbage(
      store,
      garbage.filter(({ kind }) => kind === 'removed'),
    );
    const { adds } = await retry(async () => (await openLog(store, table)).files());
    const named = [...adds.keys()].map((path) => `${table}/${decodeURIComponent(path)}`);
    const found: string[] = [];
    for await (const { key } of store.list({ prefix: `${table}/date=` })) found.push(key);
    expect(found.sort()).toEqual(named.sort());
    expect((await placesIn(store, found)).sort()).toEqual(sent.sort());
  }
}

/** What has to be there before a sink comes to a failpoint. */
const preparations: Partial<Record<Failpoint, (lake: Lake) => Promise<void>>> = {
  'lake.checkpoint.beforePointer': makeCheckpointDue,
  'lake.checkpoint.beforePut': makeCheckpointDue,
  'lake.compaction.afterPut': leaveSmallFiles,
  'lake.compaction.beforePut': leaveSmallFiles,
  'lake.expiry.beforeDelete': makeLogExpire,
  'lake.schema.afterPut': makeOlderTable,
  'lake.schema.beforePut': makeOlderTable,
  'lake.sweep.beforeDelete': leaveOrphan,
};

async function makeCheckpointDue({ store }: Lake): Promise<void> {
  const { table: path, schema } = feedOf('track.raw');
  const table = await LakeTable.open(store, { path, schema, sink: 'other' });
  for (let commit = 0; commit < commitsPerCheckpoint; commit++)
    await table.claim([{ topic: 'other', partition: 0 }]);
}

/** Of a window that has closed; the sink that follows is the first one to compact. */
async function leaveSmallFiles(lake: Lake): Promise<void> {
  const env = { ...lake.env, LAKE_COMPACTION: 'off', LAKE_MAX_ROWS: '30' };
  const former = here.start('lake-sink', { env });
  await done(lake);
  expect(await former.stop()).toBe(0);
}

/** Checkpoints with commits before them, which the table's own property lets expire at once. */
async function makeLogExpire(lake: Lake): Promise<void> {
  const { store } = lake;
  await makeCheckpointDue(lake);
  const log = await openLog(store, 'raw/track');
  await log.checkpoint();
  const configuration = { ...log.metaData.configuration, 'delta.logRetentionDuration': 'interval 0 seconds' };
  await log.append(() => ({
    step: 'schema',
    operation: 'SET TBLPROPERTIES',
    actions: [{ metaData: { ...log.metaData, configuration } }],
  }));
  await makeCheckpointDue(lake);
}

async function makeOlderTable({ store }: Lake): Promise<void> {
  const { table: path, schema } = feedOf('track.raw');
  const older = { ...schema, columns: schema.columns.filter(({ name }) => name !== 'app_build') };
  expect(older.columns.length).toBe(schema.columns.length - 1);
  await LakeTable.open(store, { path, schema: older, sink: 'other', partitionColumns: [datePartition] });
}

async function leaveOrphan({ env }: Lake): Promise<void> {
  const doomed = here.start('lake-sink', { failpoint: 'lake.upload.afterPut', env });
  expect(await doomed.diedAt()).toEqual({ signal: 'SIGKILL', failpoint: 'lake.upload.afterPut' });
}

function feedOf(topic: string): PlannedFeed {
  const feed = feeds.find((each) => each.topic === topic);
  if (!feed) throw new Error(`nothing lands ${topic}`);
  return feed;
}

/** The sink reaches each failpoint of the lake, except those of a restore: an operator's command makes it. */
testEachFailpoint('lake', (name) =>
  name.startsWith('lake.restore.') ? killRestoreAt(name) : killSinkAt(name),
);

async function killSinkAt(name: Failpoint): Promise<void> {
  const lake = await emptyLake();
  const { env } = lake;
  await sendSome();
  await preparations[name]?.(lake);
  // Where it is to compact, at once.
  const compacts = name.startsWith('lake.compaction.');
  const ALLOWED_LATENESS_SECONDS = compacts ? '0' : '600';
  const doomed = here.start('lake-sink', { failpoint: name, env: { ...env, ALLOWED_LATENESS_SECONDS } });
  expect(await doomed.diedAt()).toEqual({ signal: 'SIGKILL', failpoint: name });
  // There all had landed before, and only what is new shows that the successor has begun.
  if (compacts) await sendSome();
  const successor = here.start('lake-sink', { env });
  await done(lake);
  await expectExactlyOnce(lake);
  expect(await successor.stop()).toBe(0);
  await lake.store.close();
}

/** Runs the command that restores `curated/track` to its first version. Returns the signal that ended it, and its output. */
function restoreAll({ env }: Lake, failpoint = '') {
  const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'lake', 'restore', 'curated/track', '--to', '0', '--yes'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, WINDROW_FAILPOINT: failpoint },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  return new Promise<{ signal: NodeJS.Signals | null; said: string }>((resolve, reject) => {
    child.on('error', reject).on('close', (_, signal) => {
      recordReached(said, signal);
      resolve({ signal, said });
    });
  });
}

const restoresOf = async (store: S3ObjectStore): Promise<number> => {
  let restores = 0;
  const { version } = await openLog(store, 'curated/track');
  for await (const { operation } of readHistory(store, 'curated/track', version))
    restores += operation === 'RESTORE' ? 1 : 0;
  return restores;
};

/** Kills a restore at the failpoint while a sink is running, and restores again. */
async function killRestoreAt(name: Failpoint): Promise<void> {
  const lake = await emptyLake();
  await sendSome();
  const sink = here.start('lake-sink', { env: { ...lake.env, LAKE_COMPACTION: 'off' } });
  await done(lake);
  expect(await restoreAll(lake, name)).toEqual({ signal: 'SIGKILL', said: `failpoint ${name}: SIGKILL\n` });
  expect(await restoresOf(lake.store)).toBe(name.endsWith('.afterPut') ? 1 : 0);
  await done(lake);
  await expectExactlyOnce(lake);
  expect(await restoreAll(lake)).toMatchObject({ signal: null, said: expect.stringContaining('land') });
  await sendSome();
  await done(lake);
  await expectExactlyOnce(lake);
  expect(await sink.stop()).toBe(0);
  await lake.store.close();
}

test.each(['lake.commit.beforePut', 'lake.deadLetters.beforeSend'])(
  'stopped at %s, woken after a takeover: it adds nothing, and is a member again',
  async (name) => {
    const lake = await emptyLake();
    const { env } = lake;
    await sendSome();
    const zombie = here.start('lake-sink', { failpoint: `stop:${name}`, env });
    expect(await zombie.stoppedAt()).toBe(name);
    const successor = here.start('lake-sink', { env });
    await done(lake);
    await expectExactlyOnce(lake);
    zombie.wake();
    await here.members('lake-sink', 2);
    await sendSome();
    await done(lake);
    await expectExactlyOnce(lake);
    expect([zombie.hasEnded, successor.hasEnded]).toEqual([false, false]);
    expect(await zombie.stop()).toBe(0);
    expect(await successor.stop()).toBe(0);

    // Readers that are not ours agree: one that follows the log, and one that takes whatever files there are.
    const sql = 'select count(*) as rows, count(distinct event_id) as ids from t';
    const rows = (await here.read('track.enriched')).length;
    expect(await readWithDeltaRs(env, 'curated/track', sql)).toEqual([{ rows, ids: rows }]);
    expect(await readFilesWithDuckDb(env, 'curated/track', sql)).toEqual([{ rows, ids: rows }]);
    await lake.store.close();
  },
);
