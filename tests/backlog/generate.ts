/**
 * A backlog for the sinks: events straight into the topics of a running stack, as fast as Kafka takes them.
 *   node tests/backlog/generate.ts [events] [dates] [shuffled | ordered] [topic …]
 * with KAFKA_BROKERS and SCHEMA_REGISTRY_URL set, after `windrow streams apply`. Topics: of the stream track, by default
 * its enriched one. `shuffled`: every event on any of the dates, the worst that can come; `ordered`: one date after another.
 */
import { AvroCodec, AvroRegistry, enrichedSchema, loadStreams } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { kafkaConfig, loadConfig, registryConfig } from '@windrow/runtime';

const [events = 500_000, dates = 400] = process.argv.slice(2, 4).map(Number);
const [order = 'shuffled', ...topics] = process.argv.slice(4);
const recordsPerCall = 4_000;
const callsAtOnce = 4;
const firstDayMs = Date.UTC(2013, 0, 1);
const dayMs = 86_400_000;

const config = loadConfig(kafkaConfig.extend(registryConfig.shape), process.env);
const contracts = await loadStreams();
const track = contracts.find(({ name }) => name === 'track');
if (!track?.topics.enriched) throw new Error('there is no stream track that is enriched');
const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'backlog' });
const registry = new AvroRegistry(config.SCHEMA_REGISTRY_URL);

for (const topic of topics.length > 0 ? topics : [track.topics.enriched.name]) {
  const schema = topic === track.topics.raw.name ? track.schema : enrichedSchema(track, contracts);
  const codec = new AvroCodec(schema, registry);
  const schemaId = await registry.register(topic, schema);
  const partitions = (await broker.describeTopics([topic]))[0]?.partitions ?? 1;
  const empty = Object.fromEntries(schema.fields.map(({ name }) => [name, null]));
  const encode = (index: number) => codec.encode({ ...empty, ...eventAt(index) }, schemaId);
  const producer = await broker.producer();
  const startedMs = performance.now();
  let next = 0;
  let bytes = 0;
  const send = async () => {
    for (let first = next; first < events; first = next) {
      next = first + recordsPerCall;
      const count = Math.min(recordsPerCall, events - first);
      const records = Array.from({ length: count }, (_, offset) => ({
        key: `user-${(first + offset) % 50_000}`,
        value: encode(first + offset),
        partition: (first / recordsPerCall) % partitions,
      }));
      bytes += records.reduce((sum, { value }) => sum + value.length, 0);
      await producer.send([{ topic, records }]);
    }
  };
  await Promise.all(Array.from({ length: callsAtOnce }, send));
  await producer.close();
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(
    `${topic}: ${events} events of ${Math.round(bytes / events)} bytes on ${dates} dates, ${order}, in ${seconds.toFixed(1)} s`,
  );
}
await broker.close();

/** As wide as the flights and their weather are. */
function eventAt(index: number) {
  // A step that shares no factor with the number of dates meets all of them, far apart.
  const day = order === 'ordered' ? Math.floor((index / events) * dates) : (index * 7_919) % dates;
  const occurredMs = firstDayMs + day * dayMs + ((index * 48_271) % dayMs);
  return {
    event_id: `backlog-${order}-${index.toString(36).padStart(24, '0')}`,
    type: 'track',
    event_name: 'Flight Departed',
    anonymous_id: `N${10_000 + (index % 4_000)}`,
    user_id: `user-${index % 50_000}`,
    occurred_at: occurredMs,
    received_at: occurredMs + 2_000,
    city: ['EWR', 'JFK', 'LGA'][index % 3],
    timezone: 'America/New_York',
    app_name: 'flights',
    properties: JSON.stringify({
      carrier: 'UA',
      flight: index % 9_000,
      dest: 'IAH',
      dep_delay_min: (index * 7) % 90,
      air_time_min: 227,
      distance_mi: 1_400,
    }),
    weather_match: 'matched',
    weather_age_s: 1_200,
    weather_observed_at: occurredMs - (occurredMs % 3_600_000),
    weather_city: ['EWR', 'JFK', 'LGA'][index % 3],
    temperature_c: (index % 400) / 10,
    humidity: 0.7,
    wind_speed_ms: 4.25,
    precip_type: index % 10 === 0 ? 'rain' : null,
  };
}
