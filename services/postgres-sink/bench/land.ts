/**
 * How fast enriched events go from Kafka into Postgres, against a running stack:
 *   node services/postgres-sink/bench/land.ts [events] [micro-batch rows]
 * with KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL set. Its topics and its database are its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, AvroRegistry, enrichedSchema, loadStreams } from '@windrow/contracts';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { createRegistry, loadConfig, Readiness } from '@windrow/runtime';
import { newYearMs, trackEvent, withOwnTopics } from '../fixtures/events.ts';
import { log } from '../fixtures/landing.ts';
import { createDatabase } from '../fixtures/test-database.ts';
import { postgresSinkConfig } from '../src/config.ts';
import { startSink } from '../src/sink.ts';

const total = Number(process.argv[2] ?? 500_000);
const maxRows = Number(process.argv[3] ?? 20_000);
const config = loadConfig(postgresSinkConfig, { ...process.env, ADMIN_PORT: '0' });
const contracts = withOwnTopics(await loadStreams());
const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'bench' });
const schemas = new AvroRegistry(config.SCHEMA_REGISTRY_URL);
const { schemaIds } = await applyStreams(contracts, { broker, registry: schemas, partitions: 4 });
const track = contracts.find(({ name }) => name === 'track');
const topic = track?.topics.enriched?.name;
if (!track || !topic) throw new Error('there is no stream track');
const codec = new AvroCodec(enrichedSchema(track, contracts), schemas);
const schemaId = schemaIds.get(topic) ?? 0;

/** A month of events, roughly in order, in 20 cities, as the flights are. */
function eventAt(index: number) {
  const delay = (index * 7) % 90;
  return trackEvent(contracts, {
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
const registry = createRegistry('postgres-sink');
const cpu = process.cpuUsage();
const startedMs = performance.now();
const sink = await startSink({
  contracts,
  broker,
  schemas,
  databaseUrl: database.url,
  limits: {
    maxRows,
    maxAgeMs: 1_000 * config.POSTGRES_MAX_AGE_SECONDS,
    memoryBytes: config.POSTGRES_MEMORY_BYTES,
  },
  metrics: registry,
  readiness: new Readiness(),
  log,
  signal: new AbortController().signal,
  fail: (error) => {
    throw error;
  },
});
const landed = async () =>
  Number(
    (
      await database.sql<{ n: string }>('SELECT sum(rows) AS n FROM windrow.sink_offset WHERE topic = $1', [
        topic,
      ])
    )[0]?.n,
  );
while ((await landed()) < total) await sleep(100);
const seconds = (performance.now() - startedMs) / 1000;
const used = process.cpuUsage(cpu);
const cpuSeconds = (used.user + used.system) / 1e6;
const phases = (await registry.getSingleMetric('windrow_microbatch_seconds')?.get())?.values.filter(
  (value) => 'metricName' in value && value.metricName === 'windrow_microbatch_seconds_sum',
);
console.log({
  rows: total,
  seconds: seconds.toFixed(2),
  rowsPerSecond: Math.round(total / seconds),
  sinkCpuSeconds: cpuSeconds.toFixed(2),
  rowsPerSinkCpuSecond: Math.round(total / cpuSeconds),
  rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  phaseSeconds: Object.fromEntries(
    phases?.map(({ labels, value }) => [labels.phase, value.toFixed(2)]) ?? [],
  ),
});
await sink.stop();
await database.drop();
await broker.close();
