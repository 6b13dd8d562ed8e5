import {
  AvroCodec,
  AvroRegistry,
  type EventRecord,
  loadStreams,
  type StreamContract,
  streamNamed,
} from '@windrow/contracts';
import { assertTopicsExist, KafkaBroker, type OutputRecord } from '@windrow/pipeline';
import { kafkaConfig, loadConfig, registryConfig, Teardown, WindrowError } from '@windrow/runtime';

export interface RawEvent {
  record: EventRecord;
  /** Sent instead of the encoded record, to test how bytes that cannot be decoded are handled. */
  bytes?: Buffer;
}

/** Sends events straight to the raw topics, as a producer that uses Kafka and Avro does. */
export interface RawTopics {
  /** Resolves when Kafka has acknowledged all events. Batches keep their order. */
  send(stream: string, events: readonly RawEvent[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the raw topics of these streams with one idempotent producer.
 * @throws WindrowError CONFIG_INVALID, STREAM_UNKNOWN, TOPIC_MISSING, REGISTRY_UNAVAILABLE, KAFKA_UNAVAILABLE
 */
export async function openRawTopics(env: NodeJS.ProcessEnv, streams: readonly string[]): Promise<RawTopics> {
  const config = loadConfig(kafkaConfig.extend(registryConfig.shape), env);
  const contracts = await loadStreams();
  const registry = new AvroRegistry(config.SCHEMA_REGISTRY_URL);
  const teardown = new Teardown();
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'windrow-simulate' });
  teardown.add('Kafka', () => broker.close());
  try {
    const encoders = new Map<string, (event: RawEvent) => OutputRecord>();
    for (const name of streams) {
      encoders.set(name, await encoderOf(streamNamed(contracts, name), { broker, registry }));
    }
    const producer = await broker.producer();
    teardown.add('the producer', () => producer.close());
    return {
      async send(stream, events) {
        const encode = encoders.get(stream);
        if (!encode)
          throw new WindrowError('STREAM_UNKNOWN', `the raw topic of ${stream} has not been opened`);
        const { topics } = streamNamed(contracts, stream);
        await producer.send([{ topic: topics.raw.name, records: events.map(encode) }]);
      },
      close: () => teardown.run(),
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function encoderOf(
  contract: StreamContract,
  { broker, registry }: { broker: KafkaBroker; registry: AvroRegistry },
): Promise<(event: RawEvent) => OutputRecord> {
  const { name } = contract.topics.raw;
  await assertTopicsExist(broker, [name]);
  const schemaId = await registry.register(name, contract.schema);
  const codec = new AvroCodec(contract.schema, registry);
  return ({ record, bytes }) => ({
    key: contract.key(record),
    value: bytes ?? codec.encode(record, schemaId),
  });
}
