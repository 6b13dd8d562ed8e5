import { deadLetterTopic } from '@windrow/contracts';
import type { ObjectStore } from '@windrow/lake';
import { createTestBucket, readTable, type TestBucket } from '@windrow/lake/testing';
import { KafkaBroker, type OutputRecord, type Producer } from '@windrow/pipeline';
import { createLogger, createRegistry, Readiness, type Registry } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { FaultyStore } from '../fixtures/faulty-store.ts';
import { createOwnStreams, type OwnStreams } from '../fixtures/own-streams.ts';
import { type SinkOptions, startSink } from './sink.ts';

const partitions = 3;
const startMs = Date.UTC(2013, 0, 1);
const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = inject('endpoints');

let broker: KafkaBroker;
let producer: Producer;
let bucket: TestBucket;
let streams: OwnStreams;
let raw: string;
let enriched: string;

beforeAll(async () => {
  broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'lake-sink-test' });
  producer = await broker.producer();
});
afterAll(async () => {
  await producer?.close();
  await broker?.close();
});

/** Each test has separate topics, a consumer group and a bucket. */
async function fresh(): Promise<void> {
  bucket = await createTestBucket(inject('endpoints'));
  onTestFinished(() => bucket.store.close());
  streams = await createOwnStreams(broker, SCHEMA_REGISTRY_URL, partitions);
  const { topics } = must(streams.contracts.find(({ name }) => name === 'track'));
  raw = topics.raw.name;
  enriched = must(topics.enriched).name;
}

async function start(options: Partial<SinkOptions> & { store?: ObjectStore } = {}) {
  const metrics = createRegistry('lake-sink');
  const readiness = new Readiness();
  const failures: unknown[] = [];
  const stopping = new AbortController();
  const sinkBroker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'lake-sink' });
  const sink = await startSink({
    contracts: streams.contracts,
    broker: sinkBroker,
    schemas: streams.registry,
    groupId: streams.groupId,
    store: bucket.store,
    encoder: 'columnar',
    maxWindows: 12,
    memoryBudgetBytes: 64_000_000,
    limits: { maxRows: 100_000, maxBytes: 32_000_000, maxAgeMs: 300 },
    metrics,
    readiness,
    log: createLogger('lake-sink', 'fatal'),
    signal: stopping.signal,
    fail: (error) => failures.push(error),
    ...options,
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      stopping.abort();
      await sink.stop();
      await sinkBroker.close();
      expect(failures).toEqual([]);
    })();
    return stopped;
  };
  onTestFinished(stop);
  return { metrics, readiness, stop };
}

const events = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => ({
    event_id: `e${from + n}`,
    type: 'track',
    occurred_at: startMs + (from + n) * 1_000,
    received_at: startMs,
  }));

async function send(topic: string, records: OutputRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += 1_000) {
    await producer.send([{ topic, records: records.slice(at, at + 1_000) }]);
  }
}

/** Waits until the ledger of the table has reached the topic's ends. */
async function landed(table: string, topic: string): Promise<void> {
  const ends = await broker.endOffsets(topic);
  await expect
    .poll(
      async () => {
        const { txns } = await readTable(bucket.store, table);
        return [...ends].filter(([partition, end]) => (txns.get(`lake:${topic}:${partition}`) ?? 0) < end);
      },
      { timeout: 30_000, interval: 200 },
    )
    .toEqual([]);
}

/** Checks that every event has one row, by id and by offset, and that the log names every file. */
async function expectOnce(table: string, topic: string, count: number): Promise<void> {
  const { rows, named, lying, txns } = await readTable(bucket.store, table);
  expect(new Set(rows.map((row) => row.event_id)).size).toBe(count);
  expect(new Set(rows.map((row) => `${row._partition}:${row._offset}`)).size).toBe(count);
  expect(rows.length).toBe(count);
  expect(lying).toEqual(named);
  let counted = 0;
  for (let partition = 0; partition < partitions; partition++) {
    counted += txns.get(`lake:${topic}:${partition}#rows`) ?? 0;
  }
  expect(counted).toBe(count);
}

async function value(metrics: Registry, name: string, labels: Record<string, string> = {}): Promise<number> {
  const values = (await metrics.getSingleMetric(name)?.get())?.values ?? [];
  const matching = values.filter((entry) =>
    Object.entries(labels).every(
      ([label, text]) => (entry.labels as Record<string, unknown>)[label] === text,
    ),
  );
  return matching.reduce((sum, entry) => sum + entry.value, 0);
}

describe('the lake sink on a real Kafka and a real S3', () => {
  it('lands raw and enriched events once, without new data coming to push them', async () => {
    await fresh();
    const { metrics } = await start();
    await send(raw, streams.encode(raw, events(3_000)));
    await send(enriched, streams.encode(enriched, events(2_000)));
    await landed('raw/track', raw);
    await landed('curated/track', enriched);
    await expectOnce('raw/track', raw, 3_000);
    await expectOnce('curated/track', enriched, 2_000);
    const [row] = (await readTable(bucket.store, 'curated/track')).rows.filter(
      ({ event_id }) => event_id === 'e7',
    );
    expect(row).toMatchObject({
      occurred_at: new Date(startMs + 7_000),
      date: '2013-01-01',
      _topic: enriched,
    });
    const of = { stream: 'track', table: 'raw/track', outcome: 'ok' };
    expect(await value(metrics, 'windrow_events_total', of)).toBe(3_000);
    expect(await value(metrics, 'windrow_watermark_timestamp_seconds', { stream: 'track' })).toBeGreaterThan(
      startMs / 1000,
    );
    // The group has the positions, too, for the consumer lag.
    await expect
      .poll(async () =>
        [...(await broker.committedOffsets(streams.groupId, raw)).values()].reduce((a, b) => a + b, 0),
      )
      .toBe(3_000);
  });

  it('neither loses nor repeats anything when instances come and go', async () => {
    await fresh();
    let sent = 0;
    const more = async () => {
      await send(raw, streams.encode(raw, events(2_000, sent)));
      sent += 2_000;
    };
    const limits = { maxRows: 500, maxBytes: 1_000_000, maxAgeMs: 100 };
    const first = await start({ limits });
    await more();
    const second = await start({ limits });
    await more();
    const third = await start({ limits });
    await more();
    await first.stop();
    await more();
    await third.stop();
    await more();
    await landed('raw/track', raw);
    await second.stop();
    await expectOnce('raw/track', raw, sent);
  });

  it('says not ready while S3 is away, and goes on by itself', async () => {
    await fresh();
    const store = new FaultyStore(bucket.store);
    const { readiness, metrics } = await start({ store });
    await send(raw, streams.encode(raw, events(500)));
    await landed('raw/track', raw);
    store.isAway = true;
    await send(raw, streams.encode(raw, events(500, 500)));
    await expect
      .poll(() => readiness.reasons())
      .toMatchObject({
        'landing in raw/track': expect.stringContaining('away'),
      });
    expect(await value(metrics, 'windrow_microbatch_retries_total')).toBeGreaterThan(0);
    store.isAway = false;
    await landed('raw/track', raw);
    expect(readiness.ready).toBe(true);
    await expectOnce('raw/track', raw, 1_000);
  });

  it('holds no more than its budget, and lands everything', async () => {
    await fresh();
    const budget = 400_000;
    await send(raw, streams.encode(raw, events(10_000)));
    await send(enriched, streams.encode(enriched, events(10_000)));
    const limits = { maxRows: 100_000, maxBytes: 100_000_000, maxAgeMs: 600_000 };
    const { metrics, stop } = await start({ memoryBudgetBytes: budget, limits });
    let most = 0;
    await expect
      .poll(
        async () => {
          most = Math.max(most, await value(metrics, 'windrow_sink_buffer_bytes'));
          return value(metrics, 'windrow_events_total', { outcome: 'ok' });
        },
        { timeout: 30_000, interval: 20 },
      )
      .toBeGreaterThan(15_000);
    // The last rows fit into the budget and wait for their age. The stop commits them.
    await expect.poll(() => value(metrics, 'windrow_consumer_lag'), { timeout: 20_000 }).toBe(0);
    await stop();
    await expectOnce('raw/track', raw, 10_000);
    await expectOnce('curated/track', enriched, 10_000);
    // Each of six partitions may take 256 rows of about 1 kB between two checks of the budget.
    expect(most).toBeGreaterThan(budget / 2);
    expect(most).toBeLessThan(budget + partitions * 2 * 256 * 1_500);
  });

  it('lands what it holds when it is stopped', async () => {
    await fresh();
    const limits = { maxRows: 100_000, maxBytes: 100_000_000, maxAgeMs: 600_000 };
    const { metrics, stop } = await start({ limits });
    await send(raw, streams.encode(raw, events(1_000)));
    await expect
      .poll(() => value(metrics, 'windrow_sink_buffer_bytes'), { timeout: 20_000 })
      .toBeGreaterThan(0);
    await expect
      .poll(() => value(metrics, 'windrow_consumer_lag', { topic: raw }), { timeout: 20_000 })
      .toBe(0);
    await stop();
    await landed('raw/track', raw);
    await expectOnce('raw/track', raw, 1_000);
  });

  it('moves on over what makes no rows: control records, and what the enricher dead-letters', async () => {
    await fresh();
    const { metrics } = await start();
    const transactional = await broker.transactionalProducer(`${streams.groupId}-t`);
    const records = streams.encode(enriched, events(10)).map((record) => ({ ...record, partition: 1 }));
    await transactional.commit([{ topic: enriched, records }]);
    await transactional.close();
    // Milliseconds that are no 64-bit number of microseconds.
    const beyond = streams.encode(raw, [{ event_id: 'far', sent_at: 2n ** 63n - 1n }]);
    await send(raw, [
      { key: 'k', value: Buffer.from('no Avro at all'), partition: 0 },
      ...beyond.map((record) => ({ ...record, partition: 0 })),
    ]);
    await landed('curated/track', enriched);
    await landed('raw/track', raw);
    expect((await readTable(bucket.store, 'curated/track')).txns.get(`lake:${enriched}:1`)).toBe(11);
    expect((await readTable(bucket.store, 'raw/track')).rows).toEqual([]);
    expect(await value(metrics, 'windrow_events_total', { table: 'raw/track', outcome: 'skipped' })).toBe(2);
  });

  it('dead-letters what is wrong in an enriched topic, and the dead letter lands in its table', async () => {
    await fresh();
    await start();
    await send(enriched, [{ key: 'k', value: Buffer.from('no Avro at all'), partition: 2 }]);
    const own = async () =>
      (await readTable(bucket.store, 'rejected/dead_letter')).rows.filter(({ topic }) => topic === enriched);
    await expect.poll(own, { timeout: 30_000 }).toHaveLength(1);
    expect((await own())[0]).toMatchObject({
      stage: 'lake',
      reason: 'not_avro',
      stream: 'track',
      partition: 2,
      offset: 0n,
      service: 'lake-sink',
      _topic: deadLetterTopic.name,
    });
    await landed('curated/track', enriched);
  });

  it('goes on by itself after another process has opened its dead letters, and sends each once', async () => {
    await fresh();
    await start();
    const bad = { key: 'k', value: Buffer.from('no Avro at all'), partition: 2 };
    const offsets = async () => {
      const { rows } = await readTable(bucket.store, 'rejected/dead_letter');
      return rows.filter(({ topic }) => topic === enriched).map(({ offset }) => Number(offset));
    };
    await send(enriched, [bad]);
    await expect.poll(offsets, { timeout: 30_000 }).toEqual([0]);
    const other = await broker.transactionalProducer(`${streams.groupId}-${enriched}-2-dead-letters`);
    await other.close();
    await send(enriched, [bad]);
    await landed('curated/track', enriched);
    await expect.poll(async () => (await offsets()).sort(), { timeout: 30_000 }).toEqual([0, 1]);
  });

  it('lands a dead letter that can’t be decoded as one about itself', async () => {
    await fresh();
    await start();
    await send(deadLetterTopic.name, [{ key: streams.groupId, value: Buffer.from('garbage') }]);
    const own = async () =>
      (await readTable(bucket.store, 'rejected/dead_letter')).rows.filter(
        ({ topic, value: bytes }) => topic === deadLetterTopic.name && String(bytes) === 'garbage',
      );
    await expect.poll(async () => (await own()).length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect((await own())[0]).toMatchObject({ stage: 'lake', reason: 'not_avro' });
  });
});
