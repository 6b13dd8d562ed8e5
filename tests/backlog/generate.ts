/**
 * Creates a backlog for the sinks: writes events to the topics of a running stack, as fast as Kafka accepts them.
 *   node tests/backlog/generate.ts [events] [dates] [shuffled | ordered] [topic …]
 * with KAFKA_BROKERS and SCHEMA_REGISTRY_URL set, after `windrow streams apply`. The topics belong to the stream track; the
 * default is its enriched topic. `shuffled`: successive events have different dates, the worst case; `ordered`: date by date.
 */
import { randomBytes } from 'node:crypto';
import { AvroCodec, AvroRegistry, enrichedSchema, loadStreams } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { kafkaConfig, loadConfig, registryConfig } from '@windrow/runtime';

const recordsPerCall = 4_000;
const callsAtOnce = 4;
const firstDayMs = Date.UTC(2013, 0, 1);
const dayMs = 86_400_000;

export interface BacklogOptions {
  events: number;
  dates: number;
  order: 'shuffled' | 'ordered';
  /** Default: the enriched topic of track. */
  topic?: string | undefined;
  /** Additional bytes of random text in each event's properties. Default: 0. */
  paddingBytes?: number;
  /** The endpoints of the stack. */
  env: NodeJS.ProcessEnv;
}

/** @returns the bytes of the values of all records */
export async function generate(options: BacklogOptions): Promise<{ topic: string; bytes: number }> {
  const { events } = options;
  const config = loadConfig(kafkaConfig.extend(registryConfig.shape), options.env);
  const contracts = await loadStreams();
  const track = contracts.find(({ name }) => name === 'track');
  if (!track?.topics.enriched) throw new Error('there is no stream track that is enriched');
  const { topic = track.topics.enriched.name } = options;
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'backlog' });
  const registry = new AvroRegistry(config.SCHEMA_REGISTRY_URL);
  const schema = topic === track.topics.raw.name ? track.schema : enrichedSchema(track, contracts);
  const codec = new AvroCodec(schema, registry);
  const schemaId = await registry.register(topic, schema);
  const partitions = (await broker.describeTopics([topic]))[0]?.partitions ?? 1;
  const empty = Object.fromEntries(schema.fields.map(({ name }) => [name, null]));
  const producer = await broker.producer();
  let next = 0;
  let bytes = 0;
  const send = async () => {
    for (let first = next; first < events; first = next) {
      next = first + recordsPerCall;
      const count = Math.min(recordsPerCall, events - first);
      const records = Array.from({ length: count }, (_, offset) => ({
        key: `user-${(first + offset) % 50_000}`,
        value: codec.encode({ ...empty, ...eventAt(first + offset, options) }, schemaId),
        partition: (first / recordsPerCall) % partitions,
      }));
      bytes += records.reduce((sum, { value }) => sum + value.length, 0);
      await producer.send([{ topic, records }]);
    }
  };
  await Promise.all(Array.from({ length: callsAtOnce }, send));
  await producer.close();
  await broker.close();
  return { topic, bytes };
}

/** As many fields as flights joined with weather have. */
function eventAt(index: number, { events, dates, order, paddingBytes = 0 }: BacklogOptions) {
  // A stride that is coprime to the number of dates reaches all of them, in distant steps.
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
      ...(paddingBytes > 0 && { note: randomBytes(paddingBytes / 2).toString('hex') }),
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

if (import.meta.main) {
  const [events = 500_000, dates = 400] = process.argv.slice(2, 4).map(Number);
  const [order = 'shuffled', ...topics] = process.argv.slice(4);
  if (order !== 'shuffled' && order !== 'ordered') throw new Error('the order is shuffled or ordered');
  for (const topic of topics.length > 0 ? topics : [undefined]) {
    const startedMs = performance.now();
    const made = await generate({ events, dates, order, topic, env: process.env });
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const bytesEach = Math.round(made.bytes / events);
    console.log(
      `${made.topic}: ${events} events of ${bytesEach} bytes on ${dates} dates, ${order}, in ${seconds} s`,
    );
  }
}
