import { LakeTable, ledgerColumns } from '@windrow/lake';
import { createTestBucket, readTable, type TestBucket } from '@windrow/lake/testing';
import { startSink } from '@windrow/lake-sink';
import type { RestoreResult } from '@windrow/operations';
import { KafkaBroker, type Producer } from '@windrow/pipeline';
import { deleteRecords } from '@windrow/pipeline/testing';
import { createLogger, createRegistry, Readiness } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, beforeEach, expect, inject, onTestFinished, test } from 'vitest';
import { createProgram } from '../../packages/cli/src/program.ts';
import { createOwnStreams, type OwnStreams } from '../../services/lake-sink/fixtures/own-streams.ts';
import { runReader } from './python.ts';
import { readWithDeltaRs, readWithDuckDbDelta } from './readers.ts';

const path = 'raw/track';
const partitions = 3;
const startMs = Date.UTC(2013, 0, 1);
const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = inject('endpoints');
const brokers = KAFKA_BROKERS.split(',');

let broker: KafkaBroker;
let producer: Producer;
let bucket: TestBucket;
let env: Record<string, string>;
let streams: OwnStreams;
let topic: string;
let sent = 0;

beforeAll(async () => {
  broker = new KafkaBroker({ brokers, clientId: 'restore-test' });
  producer = await broker.producer();
});
afterAll(async () => {
  await producer?.close();
  await broker?.close();
});

beforeEach(async () => {
  bucket = await createTestBucket(inject('endpoints'));
  env = { ...inject('endpoints'), LAKE_BUCKET: bucket.options.bucket };
  streams = await createOwnStreams(broker, SCHEMA_REGISTRY_URL, partitions);
  topic = must(streams.contracts.find(({ name }) => name === 'track')).topics.raw.name;
  sent = 0;
  return () => bucket.store.close();
});

/** Micro-batches of a few rows. */
async function startSinkHere(): Promise<() => Promise<void>> {
  const failures: unknown[] = [];
  const stopping = new AbortController();
  const own = new KafkaBroker({ brokers, clientId: 'lake-sink' });
  const sink = await startSink({
    contracts: streams.contracts,
    broker: own,
    schemas: streams.registry,
    groupId: streams.groupId,
    store: bucket.store,
    encoder: 'columnar',
    maxWindows: 12,
    memoryBudgetBytes: 64_000_000,
    limits: { maxRows: 150, maxBytes: 32_000_000, maxAgeMs: 100 },
    metrics: createRegistry('lake-sink'),
    readiness: new Readiness(),
    log: createLogger('lake-sink', 'fatal'),
    signal: stopping.signal,
    fail: (error) => failures.push(error),
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      stopping.abort();
      await sink.stop();
      await own.close();
      expect(failures).toEqual([]);
    })();
    return stopped;
  };
  onTestFinished(stop);
  return stop;
}

async function send(count: number): Promise<void> {
  const events = Array.from({ length: count }, () => {
    const n = sent++;
    return { event_id: `e${n}`, type: 'track', occurred_at: startMs + n * 1_000, received_at: startMs };
  });
  await producer.send([{ topic, records: streams.encode(topic, events) }]);
}

const ids = async () => (await readTable(bucket.store, path)).rows.map(({ event_id }) => String(event_id));

/** Until the ledger has reached the topic's ends; then each event is there once. */
async function landedOnce(): Promise<void> {
  const ends = await broker.endOffsets(topic);
  await expect
    .poll(
      async () => {
        const { txns } = await readTable(bucket.store, path);
        return [...ends].filter(([partition, end]) => txns.get(`lake:${topic}:${partition}`) !== end);
      },
      { timeout: 60_000, interval: 200 },
    )
    .toEqual([]);
  expect((await ids()).sort()).toEqual(Array.from({ length: sent }, (_, n) => `e${n}`).sort());
  const { rows, txns } = await readTable(bucket.store, path);
  expect(new Set(rows.map((row) => `${row._partition}:${row._offset}`)).size).toBe(sent);
  const counted = [0, 1, 2].map((partition) => txns.get(`lake:${topic}:${partition}#rows`) ?? 0);
  expect(counted.reduce((sum, n) => sum + n)).toBe(sent);
}

async function windrow(...args: string[]): Promise<string> {
  const printed: string[] = [];
  const program = createProgram({
    ...{ env, stateDir: '/nowhere', signal: new AbortController().signal, interactive: false },
    print: (line) => printed.push(line),
    note: () => undefined,
  });
  await program.parseAsync(['lake', ...args], { from: 'user' });
  return printed.join('\n');
}

const restore = async (to: number, ...options: string[]): Promise<RestoreResult> =>
  JSON.parse(await windrow('restore', path, '--to', String(to), '--json', ...options));
const version = async (): Promise<number> => JSON.parse(await windrow('describe', path, '--json')).version;

test('a sink that runs lands again what came after the version, while more comes; and the restore can be undone', {
  timeout: 300_000,
}, async () => {
  await startSinkHere();
  for (let batch = 0; batch < 4; batch++) await send(200);
  await landedOnce();
  const then = await version();
  for (let batch = 0; batch < 4; batch++) await send(200);
  await landedOnce();

  const planned = await restore(then, '--dry-run');
  expect(planned).toMatchObject({ version: null, rows: { removed: 800, added: 0 } });
  expect(planned.positions.reduce((sum, { rowsToLandAgain }) => sum + rowsToLandAgain, 0)).toBe(800);
  expect(planned.from).toBe(await version());

  let isOver = false;
  const flow = (async () => {
    for (let batch = 0; batch < 200 && !isOver; batch++) await send(20);
  })();
  const restored = await restore(then, '--yes');
  isOver = true;
  await flow;
  await landedOnce();

  // As the readers of others see it: the version of the restore, its undoing, and what the sinks have made of it.
  const question = 'SELECT count(*) AS n, count(DISTINCT event_id) AS ids, min(_offset) AS least FROM t';
  const all = [{ n: sent, ids: sent, least: 0 }];
  expect(await readWithDeltaRs(env, path, question)).toEqual(all);
  expect(await readWithDuckDbDelta(env, path, question)).toEqual(all);
  const offsetsAt = (at: number) => runReader('delta-log.py', ['offsets', path, String(at)], env);
  expect(await offsetsAt(must(restored.version ?? undefined))).toEqual(await offsetsAt(then));

  const undone = await restore(must(restored.version ?? undefined) - 1, '--yes');
  await landedOnce();
  expect(await offsetsAt(must(undone.version ?? undefined))).toEqual(
    await offsetsAt(must(restored.version ?? undefined) - 1),
  );
  expect(await readWithDuckDbDelta(env, path, question)).toEqual(all);
  const appIds = [0, 1, 2].map((partition) => `lake:${topic}:${partition}`);
  const { txns } = await readTable(bucket.store, path);
  expect(await runReader('delta-log.py', ['state', path, ...appIds], env)).toMatchObject({
    txns: Object.fromEntries(appIds.map((appId) => [appId, txns.get(appId)])),
  });
  expect(await windrow('history', path, '--limit', '1000')).toMatch(/RESTORE +0 +\d/);
});

test('sinks without anything new to land see it too', async () => {
  await startSinkHere();
  await startSinkHere();
  await send(300);
  await landedOnce();
  const { version: made } = await restore(0, '--yes');
  expect(made).toBeGreaterThan(0);
  await landedOnce();
});

test('what is restored without a sink lands when one comes, by a checkpoint too', async () => {
  const stop = await startSinkHere();
  await send(300);
  await landedOnce();
  await stop();
  const then = await version();
  expect(await windrow('restore', path, '--to', String(then), '--yes')).toBe(
    `${path}: version ${then} is the newest one: nothing to change`,
  );
  await windrow('compact', path);
  const compacted = await version();
  const undone = await restore(then, '--yes');
  expect(undone).toMatchObject({ version: compacted + 1 });
  expect(undone.rows.added).toBe(undone.rows.removed);
  expect(undone.positions.every(({ from, to }) => from === to)).toBe(true);
  expect((await ids()).length).toBe(300);
  await restore(1, '--yes');
  expect(await ids()).toEqual([]);
  const table = await LakeTable.open(bucket.store, {
    ...{ path, sink: 'other', schema: { columns: ledgerColumns } },
  });
  for (let commit = 0; commit < 20; commit++) await table.claim([{ topic: 'other', partition: 0 }]);
  const state = await runReader('delta-log.py', ['state', path, `lake:${topic}:0`], env);
  expect(state).toMatchObject({ files: 0, txns: { [`lake:${topic}:0`]: 0 } });
  await startSinkHere();
  await landedOnce();
});

test('is refused, with nothing changed, when Kafka no longer has what would have to land again', async () => {
  await startSinkHere();
  await send(100);
  await landedOnce();
  const then = await version();
  await send(300);
  await landedOnce();
  const ends = await broker.endOffsets(topic);
  await deleteRecords(brokers, topic, new Map([[1, ends.get(1) ?? -1]]));
  const before = await version();
  for (const option of ['--yes', '--dry-run'])
    await expect(restore(then, option)).rejects.toMatchObject({
      code: 'RESTORE_REFUSED',
      message: expect.stringMatching(
        new RegExp(
          `${topic}/1 would go back from offset ${ends.get(1)} to \\d+, and Kafka has it from ${ends.get(1)} on`,
        ),
      ),
    });
  expect(await version()).toBe(before);
  await landedOnce();
  await send(100);
  await landedOnce();
  // Since that version there is everything.
  expect((await restore(before, '--yes')).rows.removed).toBe(100);
  await landedOnce();
});

test('is refused, naming the files, when a vacuum has deleted some or may', async () => {
  const stop = await startSinkHere();
  await send(200);
  await landedOnce();
  await send(200);
  await landedOnce();
  await stop();
  const then = await version();
  const [file] = (await readTable(bucket.store, path)).named;
  await windrow('compact', path);
  await windrow('vacuum', path, '--older-than', '0s', '--force');
  const before = await version();
  await expect(restore(then, '--yes')).rejects.toMatchObject({
    code: 'RESTORE_REFUSED',
    message: expect.stringContaining(bucket.store.url(must(file))),
  });
  expect(await version()).toBe(before);
  await landedOnce();
});

test('asks before it changes anything, and nobody but a person may leave out --yes', async () => {
  const stop = await startSinkHere();
  await send(30);
  await landedOnce();
  await stop();
  const before = await version();
  await expect(windrow('restore', path, '--to', '0')).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('--yes'),
  });
  const asked: string[] = [];
  const noted: string[] = [];
  const answered = async (answer: string) => {
    const printed: string[] = [];
    const program = createProgram({
      ...{ env, stateDir: '/nowhere', signal: new AbortController().signal, interactive: true },
      print: (line) => printed.push(line),
      note: (line) => noted.push(line),
      ask: async (question) => {
        asked.push(question);
        return answer;
      },
    });
    await program.parseAsync(['lake', 'restore', path, '--to', '0'], { from: 'user' });
    return printed;
  };
  expect(await answered('')).toEqual([`${path}: nothing was changed`]);
  expect(noted.join('\n')).toContain('30 rows; 0 come back');
  expect(await version()).toBe(before);
  expect((await answered('y'))[0]).toContain('the sinks land 30 rows again');
  expect(asked).toHaveLength(2);
  expect(await ids()).toEqual([]);
});

test('finds a version by a time, and says which there are', async () => {
  const stop = await startSinkHere();
  await send(30);
  await landedOnce();
  await stop();
  const newest = await version();
  const now = new Date(Date.now() + 60_000).toISOString();
  expect(await windrow('restore', path, '--to', now, '--yes')).toContain(`version ${newest} is the newest`);
  const commits: { version: number; key: string; timeMs: number }[] = [];
  for await (const { key, modifiedMs } of bucket.store.list({ prefix: `${path}/_delta_log/` }))
    if (key.endsWith('.json')) commits.push({ version: commits.length, key, timeMs: modifiedMs });
  const [first] = commits;
  const ofFirst = must(commits.filter(({ timeMs }) => timeMs <= must(first).timeMs).at(-1)).version;
  const to = new Date(must(first).timeMs).toISOString();
  expect(JSON.parse(await windrow('restore', path, '--to', to, '--dry-run', '--json'))).toMatchObject({
    to: ofFirst,
    version: null,
  });
  const before = new Date(must(first).timeMs - 1_000).toISOString();
  await expect(windrow('restore', path, '--to', before, '--yes')).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('its oldest version is 0, of '),
  });
  await expect(restore(newest + 1, '--yes')).rejects.toThrow(`the newest one is ${newest}`);
  await expect(windrow('restore', path, '--to', '2013-01-01T00:00:00', '--yes')).rejects.toThrow(
    'with its zone',
  );
});
