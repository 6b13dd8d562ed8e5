import { randomUUID } from 'node:crypto';
import { AvroCodec, AvroRegistry, enrichedSchema, loadStreams } from '@windrow/contracts';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { createDatabase } from '@windrow/postgres/testing';
import { startSink } from '@windrow/postgres-sink';
import { createLogger, createRegistry, Readiness } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest';
import { trackEvent, withOwnTopics } from '../../services/postgres-sink/fixtures/events.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';

const endpoints = inject('endpoints');
/** The sink gives up on a server that doesn't respond after a minute. */
const patience = { timeout: 100_000, interval: 100 };
const streams = await loadStreams();
let broker: KafkaBroker;

beforeAll(() => {
  broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS.split(','), clientId: 'outage-test' });
});
afterAll(() => broker.close());

/** Topics, a database, a sink, and proxies in front of Postgres and the registry, for one test. */
async function installation() {
  const contracts = withOwnTopics(streams);
  const schemas = new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL);
  const { schemaIds } = await applyStreams(contracts, { broker, registry: schemas, partitions: 2 });
  const database = await createDatabase(endpoints.DATABASE_URL, contracts);
  onTestFinished(() => database.drop());
  const postgres = await FaultProxy.before(database.url);
  onTestFinished(() => postgres.close());
  const registry = await FaultProxy.before(endpoints.SCHEMA_REGISTRY_URL);
  onTestFinished(() => registry.close());
  const track = must(contracts.find(({ name }) => name === 'track'));
  const topic = must(track.topics.enriched).name;
  const codec = new AvroCodec(enrichedSchema(track, contracts), schemas);
  const readiness = new Readiness();
  const failures: unknown[] = [];
  const sink = await startSink({
    contracts,
    broker,
    schemas: new AvroRegistry(registry.url),
    databaseUrl: postgres.url,
    groupId: `postgres-sink-${randomUUID()}`,
    limits: { maxRows: 5_000, maxAgeMs: 200, memoryBytes: 64e6 },
    metrics: createRegistry('postgres-sink'),
    readiness,
    log: createLogger('postgres-sink', 'fatal'),
    signal: new AbortController().signal,
    fail: (error) => failures.push(error),
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= sink.stop();
    return stopped;
  };
  onTestFinished(stop);
  onTestFinished(() => expect(failures).toEqual([]));
  const producer = await broker.producer();
  onTestFinished(() => producer.close());
  return {
    postgres,
    registry,
    readiness,
    topic,
    stop,
    async send(count: number): Promise<void> {
      const records = Array.from({ length: count }, (_, index) => ({
        key: 'k',
        partition: index % 2,
        value: codec.encode(trackEvent(contracts, {}), schemaIds.get(topic) ?? 0),
      }));
      await producer.send([{ topic, records }]);
    },
    /** The rows, and the counts of the windows and of the ledger. */
    counts: async () =>
      (
        await database.sql(`SELECT (SELECT count(*)::int FROM curated.track_event) AS rows,
          (SELECT coalesce(sum(events), 0)::int FROM curated.city_window) AS windowed,
          (SELECT coalesce(sum(rows), 0)::int FROM windrow.sink_offset) AS ledger`)
      )[0],
  };
}

const all = (count: number) => ({ rows: count, windowed: count, ledger: count });

test('Postgres goes silent in the middle of a COPY: not ready, then on by itself; each event is there once', {
  timeout: 240_000,
}, async () => {
  const { postgres, readiness, send, counts } = await installation();
  await send(100);
  await expect.poll(counts, patience).toEqual(all(100));
  // Between two attempts a new connection succeeds and the sink is ready for a moment, so read the log instead of polling.
  const unmet = vi.spyOn(readiness, 'unmet');
  postgres.set({ kind: 'stallUploads', bytes: 100_000 });
  await send(4_000);
  await expect
    .poll(() => unmet.mock.calls, patience)
    .toContainEqual(['postgres', expect.stringContaining('no answer for')]);
  expect(await counts()).toEqual(all(100));
  postgres.set(undefined);
  await expect.poll(counts, patience).toEqual(all(4_100));
  await expect.poll(() => readiness.reasons(), patience).toEqual({});
});

test('connections to Postgres break in the middle of COPYs: each event is there once', {
  timeout: 240_000,
}, async () => {
  const { postgres, readiness, send, counts } = await installation();
  const unmet = vi.spyOn(readiness, 'unmet');
  postgres.set({ kind: 'cutUploads', bytes: 100_000 });
  await send(4_000);
  await expect.poll(() => unmet.mock.calls, patience).toContainEqual(['postgres', expect.any(String)]);
  postgres.set(undefined);
  await expect.poll(counts, patience).toEqual(all(4_000));
  await expect.poll(() => readiness.reasons(), patience).toEqual({});
});

test('the registry is away when a schema is seen for the first time: not ready, stoppable, and all of it lands', async () => {
  const { registry, readiness, topic, send, counts, stop } = await installation();
  registry.set({ kind: 'cut' });
  await send(300);
  await expect
    .poll(() => readiness.reasons(), patience)
    .toHaveProperty(`schemas of ${topic}`, expect.stringContaining('registry'));
  registry.set(undefined);
  await expect.poll(counts, patience).toEqual(all(300));
  await expect.poll(() => readiness.reasons(), patience).toEqual({});
  await stop();
});

test('a sink that waits for the registry stops at once', async () => {
  const { registry, readiness, topic, send, stop } = await installation();
  registry.set({ kind: 'cut' });
  await send(300);
  await expect.poll(() => readiness.reasons(), patience).toHaveProperty(`schemas of ${topic}`);
  const startedMs = performance.now();
  await stop();
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});
