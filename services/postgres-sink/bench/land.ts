/**
 * Compares the rate of enriched events from Kafka into Postgres with a bare COPY of the same rows, on a running stack:
 *   node services/postgres-sink/bench/land.ts [events] [micro-batch rows]
 * with KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL set. It uses separate topics and a separate database.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, AvroRegistry, enrichedSchema, loadStreams } from '@windrow/contracts';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { createDatabase } from '@windrow/postgres/testing';
import { createRegistry, loadConfig, Readiness } from '@windrow/runtime';
import { ReportWriter } from '../../../tests/bench/report.ts';
import { newYearMs, trackEvent, withOwnTopics } from '../fixtures/events.ts';
import { log } from '../fixtures/landing.ts';
import { postgresSinkConfig } from '../src/config.ts';
import { startSink } from '../src/sink.ts';
import { bareCopy, type Indexes } from './bare-copy.ts';

const total = Number(process.argv[2] ?? 500_000);
const maxRows = Number(process.argv[3] ?? 20_000);
const report = new ReportWriter({
  table: 'postgres',
  title: `Into Postgres, ${total.toLocaleString('en')} events on 31 days, micro-batches of ${maxRows.toLocaleString('en')} rows`,
  columns: [
    { name: 'run' },
    { name: 'rows/s' },
    { name: 'rows/s, warm' },
    { name: 'of the bare COPY', digits: 2 },
    { name: 'CPU of the client', unit: 's', digits: 1 },
    { name: 'rows/CPU-s' },
  ],
});
const config = loadConfig(postgresSinkConfig, { ...process.env, ADMIN_PORT: '0' });
const contracts = withOwnTopics(await loadStreams());
const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'bench' });
const schemas = new AvroRegistry(config.SCHEMA_REGISTRY_URL);
const { schemaIds } = await applyStreams(contracts, { broker, registry: schemas, partitions: 4 });
const track = contracts.find(({ name }) => name === 'track');
const topic = track?.topics.enriched?.name;
if (!track?.curated || !topic) throw new Error('there is no stream track');
const mapping = track.curated;
const codec = new AvroCodec(enrichedSchema(track, contracts), schemas);
const schemaId = schemaIds.get(topic) ?? 0;

/** A month of events in 20 cities, roughly in order, like the flights. */
function eventAt(index: number) {
  const delay = (index * 7) % 90;
  return trackEvent(contracts, {
    event_id: idOf(index),
    occurred_at: newYearMs + Math.floor((index / total) * 31 * 86_400_000) + ((index * 31) % 3_600_000),
    user_id: `user-${index % 50_000}`,
    timezone: 'America/New_York',
    weather_city: `City ${index % 20}`,
    weather_age_s: 1_200,
    weather_observed_at: newYearMs,
    humidity: 0.7,
    precip_type: index % 10 === 0 ? 'rain' : null,
    wind_speed_ms: 4.25,
    properties: `{"carrier":"UA","flight":${index % 9_000},"dest":"IAH","dep_delay_min":${delay},"distance_mi":1400}`,
  });
}

/** Spread like random UUIDs, but the same in each run. */
function idOf(index: number): string {
  const hex = createHash('md5').update(String(index)).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function* allEvents() {
  for (let index = 0; index < total; index++) yield eventAt(index);
}

const producer = await broker.producer();
for (let first = 0; first < total; first += 4_000) {
  const records = Array.from({ length: Math.min(4_000, total - first) }, (_, index) => ({
    key: 'k',
    value: codec.encode(eventAt(first + index), schemaId),
    partition: (first + index) % 4,
  }));
  await producer.send([{ topic, records }]);
}
await producer.close();

const database = await createDatabase(config.DATABASE_URL, contracts);
const landedRows = async () =>
  Number(
    (
      await database.sql<{ n: string }>('SELECT sum(rows) AS n FROM windrow.sink_offset WHERE topic = $1', [
        topic,
      ])
    )[0]?.n,
  );
/** Waits until the table has more rows than `than`. @returns their number */
async function nextLanded(than: number): Promise<number> {
  for (;;) {
    const landed = await landedRows();
    if (landed > than) return landed;
    await sleep(20);
  }
}
await measureSink(await measureCopies());
report.note(
  'The bare COPY is one statement with all rows, encoded before, into a table of the same columns. The sink reads and decodes them from Kafka, and has partitions by day, three more indexes, the aggregates and its ledger. Its share is that of warm rows: those after its first commit.',
);
report.close();
await database.drop();
await broker.close();

/** @returns the rows per second with which the sink is compared */
async function measureCopies(): Promise<number> {
  const add = async (name: string, indexes: Indexes, of?: number): Promise<number> => {
    const { seconds, cpuSeconds } = await bareCopy({
      ...{ url: database.url, mapping, rows: allEvents(), indexes },
    });
    report.add([name, total / seconds, null, of ? total / seconds / of : 1, cpuSeconds, total / cpuSeconds]);
    return total / seconds;
  };
  const yardstick = await add('bare COPY, table with the primary key', 'key');
  await add('bare COPY, table without any index', 'none', yardstick);
  await add('bare COPY, table with all its indexes', 'all', yardstick);
  return yardstick;
}

async function measureSink(bareRowsPerSecond: number): Promise<void> {
  await database.sql('CHECKPOINT');
  const registry = createRegistry('postgres-sink');
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const sink = await startSink({
    ...{ contracts, broker, schemas, databaseUrl: database.url, metrics: registry, log },
    groupId: `bench-${randomUUID()}`,
    limits: {
      maxRows,
      maxAgeMs: 1_000 * config.POSTGRES_MAX_AGE_SECONDS,
      memoryBytes: config.POSTGRES_MEMORY_BYTES,
    },
    readiness: new Readiness(),
    signal: new AbortController().signal,
    fail: (error) => {
      throw error;
    },
  });
  const first = await nextLanded(0);
  const firstMs = performance.now();
  for (let landed = first; landed < total; ) landed = await nextLanded(landed);
  const warm = (total - first) / ((performance.now() - firstMs) / 1000);
  const rowsPerSecond = total / ((performance.now() - startedMs) / 1000);
  const used = process.cpuUsage(cpu);
  const cpuSeconds = (used.user + used.system) / 1e6;
  const share = warm / bareRowsPerSecond;
  report.add(['sink, with its aggregates', rowsPerSecond, warm, share, cpuSeconds, total / cpuSeconds]);
  const phases = (await registry.getSingleMetric('windrow_microbatch_seconds')?.get())?.values.filter(
    (value) => 'metricName' in value && value.metricName === 'windrow_microbatch_seconds_sum',
  );
  const told = phases?.map(({ labels, value }) => `${labels.phase} ${value.toFixed(1)} s`);
  report.note(`Where the sink's time goes, of one micro-batch after another: ${told?.join(', ')}.`);
  await sink.stop();
}
