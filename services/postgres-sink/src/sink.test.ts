import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AvroRegistry } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { createRegistry, Readiness } from '@windrow/runtime';
import { startStack } from '@windrow/stack';
import pg from 'pg';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { newYearMs, withOwnTopics } from '../fixtures/events.ts';
import { log } from '../fixtures/landing.ts';
import { broker, runningSink, streams } from '../fixtures/running-sink.ts';
import { startSink } from './sink.ts';

const { SCHEMA_REGISTRY_URL = '' } = inject('endpoints');
/** Parts are killed and restarted, and a stop may take 20 s. */
vi.setConfig({ testTimeout: 180_000 });
const patience = { timeout: 60_000, interval: 100 };

test('both kinds of topics land; what the enricher dead-letters is skipped; offsets without rows count too', async () => {
  const { database, groupId, track, weather, event, send, sendRaw, start, ledger } = await runningSink();
  onTestFinished(() => database.drop());
  await send(track, 0, [event({}), event({})]);
  await sendRaw(track, 1, [Buffer.from('not Avro')]);
  const observation = { city: 'EWR', observed_at: newYearMs, temperature_c: 4 };
  const nothing = Object.fromEntries(
    streams.flatMap(({ name, schema }) =>
      name === 'weather' ? schema.fields.map((field) => [field.name, null]) : [],
    ),
  );
  await send(weather, 2, [
    { ...nothing, ...observation },
    { ...nothing, ...observation, temperature_c: 400 },
  ]);
  await sendRaw(weather, 2, [Buffer.from('no Avro either')]);
  const sink = await start();
  await vi.waitFor(async () => {
    expect(await ledger()).toEqual([
      { topic: track, partition: 0, next: 2, rows: 2, rejected: 0 },
      { topic: track, partition: 1, next: 1, rows: 0, rejected: 1 },
      { topic: track, partition: 2, next: 0, rows: 0, rejected: 0 },
      { topic: weather, partition: 0, next: 0, rows: 0, rejected: 0 },
      { topic: weather, partition: 1, next: 0, rows: 0, rejected: 0 },
      { topic: weather, partition: 2, next: 3, rows: 1, rejected: 0 },
    ]);
  }, patience);
  expect(await database.sql('SELECT city, temperature_c FROM curated.weather_observation')).toEqual([
    { city: 'EWR', temperature_c: 4 },
  ]);
  expect(sink.readiness.reasons()).toEqual({});
  await sink.stop();
  expect(await broker.committedOffsets(groupId, weather)).toEqual(new Map([[2, 3]]));
  expect(sink.failures).toEqual([]);
});

test('a partition whose ledger another transaction holds keeps no other lane waiting', async () => {
  const { database, track, event, send, start, ledger } = await runningSink();
  onTestFinished(() => database.drop());
  await start();
  const nextOffsets = async () =>
    (await ledger()).filter(({ topic }) => topic === track).map(({ next }) => next);
  await vi.waitFor(async () => expect(await nextOffsets()).toEqual([0, 0, 0]), patience);
  const other = new pg.Client(database.url);
  await other.connect();
  await other.query('BEGIN');
  const lock = 'SELECT FROM windrow.sink_offset WHERE topic = $1 AND partition = 0 FOR UPDATE';
  await other.query(lock, [track]);
  await send(track, 0, [event({})]);
  await vi.waitFor(async () => {
    const waiting =
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    expect(await database.sql(waiting)).toEqual([{ n: 1 }]);
  }, patience);
  // An event of another window, because the blocked transaction also locks the aggregate of the first one.
  await send(track, 1, [event({ occurred_at: newYearMs + 86_400_000 })]);
  await vi.waitFor(async () => expect(await nextOffsets()).toEqual([0, 1, 0]), patience);
  await other.query('COMMIT');
  await other.end();
  await vi.waitFor(async () => expect(await nextOffsets()).toEqual([1, 1, 0]), patience);
});

test('stopping lands what was read, long before its age would', async () => {
  const { database, track, event, send, start, count } = await runningSink();
  onTestFinished(() => database.drop());
  const sink = await start({ maxAgeMs: 3_600_000 });
  await send(track, 0, [event({}), event({}), event({})]);
  await vi.waitFor(async () => expect(await lagOf(sink.registry, track)).toBe(0), patience);
  expect(await count()).toBe(0);
  await sink.stop();
  expect(await count()).toBe(3);
});

test('instances that come and go share the partitions, and every event is there once', async () => {
  const { database, track, event, send, start, count, ledger } = await runningSink();
  onTestFinished(() => database.drop());
  const total = 9_000;
  const sending = (async () => {
    for (let round = 0; round < 30; round++)
      for (const partition of [0, 1, 2])
        await send(
          track,
          partition,
          Array.from({ length: 100 }, (_, index) =>
            event({ occurred_at: newYearMs + (index % 7) * 600_000 }),
          ),
        );
  })();
  const first = await start({ maxRows: 150 });
  await vi.waitFor(async () => expect(await count()).toBeGreaterThan(500), patience);
  const second = await start({ maxRows: 150 });
  await vi.waitFor(async () => expect(await count()).toBeGreaterThan(3_000), patience);
  await first.stop();
  const third = await start({ maxRows: 150 });
  await sending;
  await vi.waitFor(async () => expect(await count()).toBe(total), patience);
  await Promise.all([second.stop(), third.stop()]);
  const sums = await database.sql('SELECT sum(events)::int AS events FROM curated.city_window');
  expect(sums).toEqual([{ events: total }]);
  const rows = (await ledger()).filter(({ topic }) => topic === track).map((line) => line.rows);
  expect(rows).toEqual([3_000, 3_000, 3_000]);
  expect([first, second, third].flatMap(({ failures }) => failures)).toEqual([]);
});

test('Postgres is killed and comes back: not ready meanwhile, bounded, and nothing is lost or doubled', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'windrow-postgres-'));
  const stack = await startStack({ stateDir, parts: ['postgres'] });
  onTestFinished(async () => {
    await stack.stop();
    rmSync(stateDir, { recursive: true });
  });
  const { track, event, send, start, count, ledger, database } = await runningSink(
    stack.endpoints.DATABASE_URL,
  );
  const sink = await start({ maxRows: 200, memoryBytes: 400_000 });
  const events = Array.from({ length: 4_000 }, () => event({}));
  await send(track, 0, events.slice(0, 1_000));
  await vi.waitFor(async () => expect(await count()).toBe(1_000), patience);
  await stack.stopPart('postgres', { signal: 'SIGKILL' });
  await vi.waitFor(() => expect(sink.readiness.reasons()).toHaveProperty('postgres'), patience);
  await send(track, 0, events.slice(1_000, 2_500));
  await send(track, 1, events.slice(2_500));
  // The sink holds two micro-batches of 200. The other records wait in Kafka.
  await vi.waitFor(async () => expect(await lagOf(sink.registry, track)).toBeGreaterThan(1_500), patience);
  await stack.startPart('postgres');
  await vi.waitFor(async () => expect(await count()).toBe(4_000), patience);
  await vi.waitFor(() => expect(sink.readiness.reasons()).toEqual({}), patience);
  await stack.stopPart('postgres', { signal: 'SIGKILL' });
  await stack.startPart('postgres');
  await send(track, 2, [event({})]);
  await vi.waitFor(async () => expect(await count()).toBe(4_001), patience);
  expect(await database.sql('SELECT sum(events)::int AS events FROM curated.city_window')).toEqual([
    { events: 4_001 },
  ]);
  const lines = (await ledger()).filter(({ topic }) => topic === track).map(({ next, rows }) => [next, rows]);
  expect(lines).toEqual([
    [2_500, 2_500],
    [1_500, 1_500],
    [1, 1],
  ]);
  await sink.stop();
  expect(sink.failures).toEqual([]);
});

test('a sink that is stopped while Postgres is away leaves in time, and loses nothing', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'windrow-postgres-'));
  const stack = await startStack({ stateDir, parts: ['postgres'] });
  onTestFinished(async () => {
    await stack.stop();
    rmSync(stateDir, { recursive: true });
  });
  const { track, event, send, start, count } = await runningSink(stack.endpoints.DATABASE_URL);
  const sink = await start({ maxRows: 50 });
  await send(track, 0, [event({})]);
  await vi.waitFor(async () => expect(await count()).toBe(1), patience);
  await stack.stopPart('postgres', { signal: 'SIGKILL' });
  await send(
    track,
    0,
    Array.from({ length: 500 }, () => event({})),
  );
  // A micro-batch is retried, and records wait for memory.
  await vi.waitFor(async () => expect(await retriesOf(sink.registry)).toBeGreaterThan(2), patience);
  expect(sink.readiness.reasons()).toHaveProperty('postgres');
  const startedMs = performance.now();
  await sink.stop();
  expect(performance.now() - startedMs).toBeLessThan(28_000);
  await stack.startPart('postgres');
  await start();
  await vi.waitFor(async () => expect(await count()).toBe(501), patience);
});

test('a ledger ahead of its topic is refused: the topic was created again', async () => {
  const { database, track, event, send, start, count } = await runningSink();
  onTestFinished(() => database.drop());
  await database.sql('INSERT INTO windrow.sink_offset (topic, partition, next_offset) VALUES ($1, 0, 1000)', [
    track,
  ]);
  await send(track, 0, [event({})]);
  const sink = await start();
  await vi.waitFor(
    () =>
      expect(sink.failures).toEqual([
        expect.objectContaining({ code: 'LEDGER_AHEAD', message: expect.stringContaining('created again') }),
      ]),
    patience,
  );
  expect(await count()).toBe(0);
});

async function retriesOf(registry: ReturnType<typeof createRegistry>): Promise<number> {
  const metric = await registry.getSingleMetric('windrow_microbatch_retries_total')?.get();
  return metric?.values[0]?.value ?? 0;
}

test('a sink that starts while Kafka is away says so, and stops at once', async () => {
  const { database } = await runningSink();
  onTestFinished(() => database.drop());
  const nowhere = new KafkaBroker({ brokers: ['127.0.0.1:1'], clientId: 'postgres-sink-test' });
  const stopping = new AbortController();
  const readiness = new Readiness();
  const start = startSink({
    contracts: withOwnTopics(streams),
    broker: nowhere,
    schemas: new AvroRegistry(SCHEMA_REGISTRY_URL),
    databaseUrl: database.url,
    groupId: 'postgres-sink',
    limits: { maxRows: 1, maxAgeMs: 100, memoryBytes: 1e6 },
    metrics: createRegistry('postgres-sink'),
    readiness,
    log,
    signal: stopping.signal,
    fail: () => undefined,
  });
  expect(readiness.ready).toBe(false);
  setTimeout(() => stopping.abort(new Error('asked to stop')), 300);
  const startedMs = performance.now();
  await expect(start).rejects.toThrow('asked to stop');
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

/** The lag of all partitions; undefined before the first position is known. */
async function lagOf(
  registry: ReturnType<typeof createRegistry>,
  topic: string,
): Promise<number | undefined> {
  const metric = await registry.getSingleMetric('windrow_consumer_lag')?.get();
  const values = metric?.values.filter(({ labels }) => (labels as { topic?: string }).topic === topic) ?? [];
  if (values.length === 0) return undefined;
  return values.reduce((sum, { value }) => sum + value, 0);
}
