import { loadStreams } from '@windrow/contracts';
import { DeltaLog, systemHost, tableLayouts } from '@windrow/lake';
import { createTestBucket, readTable, type TestBucket } from '@windrow/lake/testing';
import { KafkaBroker, type Producer } from '@windrow/pipeline';
import { createLogger, createRegistry, Readiness, type Registry } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { createOwnStreams, type OwnStreams } from '../fixtures/own-streams.ts';
import { startSink } from './sink.ts';

const partitions = 3;
const startMs = Date.UTC(2013, 0, 1);
const tenMinutesMs = 600_000;
const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = inject('endpoints');

let broker: KafkaBroker;
let producer: Producer;
let bucket: TestBucket;
let streams: OwnStreams;
let raw: string;

beforeAll(async () => {
  broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'compaction-test' });
  producer = await broker.producer();
  bucket = await createTestBucket(inject('endpoints'));
  streams = await createOwnStreams(broker, SCHEMA_REGISTRY_URL, partitions);
  raw = must(streams.contracts.find(({ name }) => name === 'track')).topics.raw.name;
});
afterAll(async () => {
  await producer?.close();
  await broker?.close();
  bucket?.store.close();
});

/** Micro-batches of a few rows. Windows of 2013 are closed as soon as their rows are committed. */
async function start() {
  const metrics = createRegistry('lake-sink');
  const failures: unknown[] = [];
  const stopping = new AbortController();
  const own = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'lake-sink' });
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
    compaction: { latenessMs: 0 },
    metrics,
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
  return { metrics, stop };
}

/** Events of three windows. */
async function send(from: number, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, n) => ({
    event_id: `e${from + n}`,
    type: 'track',
    occurred_at: startMs + ((from + n) % 3) * tenMinutesMs + from + n,
    received_at: startMs,
  }));
  await producer.send([{ topic: raw, records: streams.encode(raw, events) }]);
}

async function compactions(metrics: Registry, outcome: string): Promise<number> {
  const { values } = (await metrics.getSingleMetric('windrow_compactions_total')?.get()) ?? { values: [] };
  return values.filter(({ labels }) => labels.outcome === outcome).reduce((sum, { value }) => sum + value, 0);
}

/** The rows that readers of the log see after every event is committed. */
async function landed(count: number) {
  await expect
    .poll(async () => (await readTable(bucket.store, 'raw/track')).rows.length, {
      timeout: 120_000,
      interval: 200,
    })
    .toBe(count);
  return readTable(bucket.store, 'raw/track');
}

it('compacts what has closed while other rows land, whoever comes and goes, and takes late rows in again', {
  timeout: 300_000,
}, async () => {
  const first = await start();
  let sent = 0;
  const more = async () => {
    for (let batch = 0; batch < 3; batch++) {
      await send(sent, 300);
      sent += 300;
    }
  };
  await more();
  const second = await start();
  await more();
  await landed(sent);
  await first.stop();
  // Another instance must take over from the one that was elected first. These rows are late: their windows are compacted.
  await more();
  await landed(sent);
  await expect
    .poll(async () => (await readTable(bucket.store, 'raw/track')).named.length, {
      timeout: 120_000,
      interval: 200,
    })
    .toBe(3);
  await second.stop();

  const { rows, named, lying, txns } = await readTable(bucket.store, 'raw/track');
  expect(rows).toHaveLength(sent);
  expect(new Set(rows.map(({ event_id }) => event_id)).size).toBe(sent);
  let counted = 0;
  for (let partition = 0; partition < partitions; partition++)
    counted += txns.get(`lake:${raw}:${partition}#rows`) ?? 0;
  expect(counted).toBe(sent);
  const done = (await compactions(first.metrics, 'ok')) + (await compactions(second.metrics, 'ok'));
  expect(done).toBeGreaterThan(3);
  expect([await compactions(first.metrics, 'failed'), await compactions(second.metrics, 'failed')]).toEqual([
    0, 0,
  ]);

  // Readers without the log see removed files, too, until vacuum deletes them after a week or the table's own retention.
  expect(lying.length).toBeGreaterThan(named.length);
  const log = must(await DeltaLog.open(bucket.store, 'raw/track', systemHost));
  const configuration = { 'delta.deletedFileRetentionDuration': 'interval 0 seconds' };
  await log.append(() => ({
    step: 'schema',
    operation: 'SET TBLPROPERTIES',
    actions: [{ metaData: { ...log.metaData, configuration } }],
  }));
  await start();
  await expect
    .poll(async () => (await readTable(bucket.store, 'raw/track')).lying, { timeout: 120_000, interval: 500 })
    .toEqual(named);
});

it('knows how the files of every table are made: by columns that it has', async () => {
  const layouts = tableLayouts(await loadStreams());
  expect([...layouts.keys()].sort()).toEqual([
    'curated/track',
    'raw/track',
    'raw/weather',
    'rejected/dead_letter',
  ]);
  for (const [table, { orderBy, idColumns }] of layouts) {
    const log = await DeltaLog.open(bucket.store, table, systemHost);
    const { fields } = JSON.parse(log?.metaData.schemaString ?? '{"fields":[]}') as {
      fields: { name: string }[];
    };
    expect(fields.map(({ name }) => name)).toEqual(expect.arrayContaining([...orderBy, ...idColumns]));
  }
});
