import {
  AvroCodec,
  type AvroRecordSchema,
  AvroRegistry,
  enrichedSchema,
  loadStreams,
  streamNamed,
} from '@windrow/contracts';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import { type EventsOptions, eventMaker } from './events.ts';

export const partitions = 4;
const recordsPerCall = 4_000;
const callsAtOnce = 3;

export interface EventsTopic {
  topic: string;
  /** What lands in the table, below the bucket. */
  table: string;
  schema: AvroRecordSchema;
  /** Sends the events `from ≤ index < to`; @returns the bytes of their values. */
  fill(from: number, to: number): Promise<number>;
  close(): Promise<void>;
}

/** The enriched track topic of a stack without any topics, and all others that the services expect. */
export async function openTopic(env: NodeJS.ProcessEnv, options: EventsOptions): Promise<EventsTopic> {
  const contracts = await loadStreams();
  const track = streamNamed(contracts, 'track');
  const topic = must(track.topics.enriched).name;
  const broker = new KafkaBroker({ brokers: must(env.KAFKA_BROKERS).split(','), clientId: 'bench' });
  const registry = new AvroRegistry(must(env.SCHEMA_REGISTRY_URL));
  const { schemaIds } = await applyStreams(contracts, { broker, registry, partitions });
  const schema = enrichedSchema(track, contracts);
  const codec = new AvroCodec(schema, registry);
  const producer = await broker.producer();
  const eventAt = eventMaker(options);
  const schemaId = must(schemaIds.get(topic));
  return {
    topic,
    table: must(track.lake.curated),
    schema,
    async fill(from, to) {
      let next = from;
      let bytes = 0;
      const send = async () => {
        for (let first = next; first < to; first = next) {
          next = first + recordsPerCall;
          const records = Array.from({ length: Math.min(recordsPerCall, to - first) }, (_, offset) => {
            const event = eventAt(first + offset);
            const value = codec.encode(event, schemaId);
            bytes += value.length;
            return { key: track.key(event), value, partition: (first + offset) % partitions };
          });
          await producer.send([{ topic, records }]);
        }
      };
      await Promise.all(Array.from({ length: callsAtOnce }, send));
      return bytes;
    },
    async close() {
      await producer.close();
      await broker.close();
    },
  };
}
