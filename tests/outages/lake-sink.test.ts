import { AvroRegistry } from '@windrow/contracts';
import { S3ObjectStore } from '@windrow/lake';
import { createTestBucket, readTable, type TestBucket } from '@windrow/lake/testing';
import { startSink } from '@windrow/lake-sink';
import { KafkaBroker, type Producer } from '@windrow/pipeline';
import { createLogger, createRegistry, Readiness } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { createOwnStreams } from '../../services/lake-sink/fixtures/own-streams.ts';
import { FaultProxy, type NetworkFault } from '../chaos/fault-proxy.ts';

const partitions = 2;
const startMs = Date.UTC(2013, 0, 1);
const patience = { timeout: 40_000, interval: 200 };
const endpoints = inject('endpoints');
const brokers = endpoints.KAFKA_BROKERS.split(',');
let broker: KafkaBroker;
let producer: Producer;

beforeAll(async () => {
  broker = new KafkaBroker({ brokers, clientId: 'outage-test' });
  producer = await broker.producer();
});
afterAll(async () => {
  await producer?.close();
  await broker?.close();
});

/** Topics, a bucket, and proxies in front of S3 and the registry, for one test. */
async function installation() {
  const bucket = await createTestBucket(endpoints);
  onTestFinished(() => bucket.store.close());
  const streams = await createOwnStreams(broker, endpoints.SCHEMA_REGISTRY_URL, partitions);
  const s3 = await FaultProxy.before(endpoints.S3_ENDPOINT);
  onTestFinished(() => s3.close());
  const registry = await FaultProxy.before(endpoints.SCHEMA_REGISTRY_URL);
  onTestFinished(() => registry.close());
  const topic = must(streams.contracts.find(({ name }) => name === 'track')).topics.raw.name;
  return { bucket, streams, s3, registry, topic };
}

type Installation = Awaited<ReturnType<typeof installation>>;

async function start({ bucket, streams, s3, registry }: Installation) {
  const readiness = new Readiness();
  const failures: unknown[] = [];
  const stopping = new AbortController();
  const store = new S3ObjectStore({
    ...bucket.options,
    endpoint: s3.url,
    requestTimeoutMs: 1_000,
    maxAttempts: 2,
  });
  const sinkBroker = new KafkaBroker({ brokers, clientId: 'lake-sink' });
  const sink = startSink({
    contracts: streams.contracts,
    broker: sinkBroker,
    schemas: new AvroRegistry(registry.url),
    groupId: streams.groupId,
    store,
    encoder: 'columnar',
    maxWindows: 12,
    memoryBudgetBytes: 64_000_000,
    limits: { maxRows: 100_000, maxBytes: 32_000_000, maxAgeMs: 300 },
    metrics: createRegistry('lake-sink'),
    readiness,
    log: createLogger('lake-sink', 'fatal'),
    signal: stopping.signal,
    fail: (error) => failures.push(error),
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      stopping.abort();
      await (await sink.catch(() => undefined))?.stop();
      await sinkBroker.close();
      store.close();
      expect(failures).toEqual([]);
    })();
    return stopped;
  };
  onTestFinished(stop);
  return { readiness, started: sink, stop };
}

async function send({ streams, topic }: Installation, from: number, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, n) => ({
    event_id: `e${from + n}`,
    type: 'track',
    occurred_at: startMs + (from + n) * 1_000,
    received_at: startMs,
    // Data that compresses badly makes files that are large enough to be cut in the middle.
    properties: JSON.stringify({ noise: [Math.random(), Math.random(), Math.random()] }),
  }));
  await producer.send([{ topic, records: streams.encode(topic, events) }]);
}

/** Waits until the ledger has reached the end of the topic. */
async function landed({ bucket, topic }: { bucket: TestBucket; topic: string }): Promise<void> {
  const ends = await broker.endOffsets(topic);
  await expect
    .poll(async () => {
      const { txns } = await readTable(bucket.store, 'raw/track');
      return [...ends].filter(([partition, end]) => (txns.get(`lake:${topic}:${partition}`) ?? 0) < end);
    }, patience)
    .toEqual([]);
}

async function expectOnce({ bucket }: Installation, count: number): Promise<void> {
  const { rows } = await readTable(bucket.store, 'raw/track');
  expect(rows).toHaveLength(count);
  expect(new Set(rows.map((row) => row.event_id)).size).toBe(count);
}

const outages: [string, NetworkFault][] = [
  ['answers 503 SlowDown', { kind: 'refuse' }],
  ['cuts connections in the middle of an upload', { kind: 'cutUploads', bytes: 4_000 }],
  ['takes requests and cuts the connection in place of the answer', { kind: 'loseAnswers' }],
  ['takes connections and never answers', { kind: 'halfOpen' }],
  ['takes no connections', { kind: 'cut' }],
];

test.each(outages)('S3 %s: not ready, then on by itself; each event is there once', async (_, fault) => {
  const here = await installation();
  const first = await start(here);
  await send(here, 0, 300);
  await landed(here);
  await expect.poll(() => first.readiness.reasons(), patience).toEqual({});
  here.s3.set(fault);
  await send(here, 300, 300);
  await expect
    .poll(() => first.readiness.reasons(), patience)
    .toHaveProperty('landing in raw/track', expect.stringContaining('s3://'));
  here.s3.set(undefined);
  await landed(here);
  await expect.poll(() => first.readiness.reasons(), patience).toEqual({});
  await expectOnce(here, 600);
  // Uploads without a response leave files, which the next claim deletes.
  await first.stop();
  await start(here).then(({ started }) => started);
  await send(here, 600, 10);
  await landed(here);
  const { named, lying } = await readTable(here.bucket.store, 'raw/track');
  expect(lying).toEqual(named);
  await expectOnce(here, 610);
});

test('S3 is slow: everything lands', async () => {
  const here = await installation();
  const { started } = await start(here);
  await started;
  here.s3.set({ kind: 'slow', delayMs: 150 });
  await send(here, 0, 300);
  await landed(here);
  await expectOnce(here, 300);
});

test('S3 is away at the start, and cuts its answers when it is back: the sink waits, and starts by itself', async () => {
  const here = await installation();
  const before = await start(here);
  await before.started;
  await send(here, 0, 300);
  await landed(here);
  await before.stop();
  here.s3.set({ kind: 'cut' });
  const sink = await start(here);
  const condition = 'table raw/track';
  await expect.poll(() => sink.readiness.reasons(), patience).toHaveProperty(condition);
  here.s3.set({ kind: 'cutAnswers', bytes: 400 });
  await send(here, 300, 300);
  await expect
    .poll(() => sink.readiness.reasons(), patience)
    .toHaveProperty(condition, expect.not.stringContaining('ECONNREFUSED'));
  here.s3.set(undefined);
  await sink.started;
  await landed(here);
  await expectOnce(here, 600);
});

test('the registry is away when a schema is seen for the first time: nothing is dead-lettered, all of it lands', async () => {
  const here = await installation();
  const sink = await start(here);
  await sink.started;
  here.registry.set({ kind: 'cut' });
  await send(here, 0, 300);
  await expect
    .poll(() => sink.readiness.reasons(), patience)
    .toHaveProperty(`schemas of ${here.topic}`, expect.stringContaining('registry'));
  here.registry.set(undefined);
  await landed(here);
  await expectOnce(here, 300);
  await expect.poll(() => sink.readiness.reasons(), patience).toEqual({});
});
