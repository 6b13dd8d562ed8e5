import { AvroCodec, AvroRegistry, loadStreams, type StreamContract, streamNamed } from '@windrow/contracts';
import { assertTopicsExist, KafkaBroker, type OutputRecord } from '@windrow/pipeline';
import { kafkaConfig, loadConfig, registryConfig, Teardown } from '@windrow/runtime';
import type { Sink } from './sink.ts';
import type { Delivery, TrackDelivery } from './timeline.ts';
import { trackRecord } from './track-record.ts';

/**
 * Straight into the raw topics, in Avro, by the idempotent producer that the services use: it has one call under way at a
 * time, so that batches keep their order. Errors: CONFIG_INVALID, TOPIC_MISSING, REGISTRY_UNAVAILABLE, KAFKA_UNAVAILABLE
 */
export async function openKafkaSink(env: NodeJS.ProcessEnv): Promise<Sink> {
  const config = loadConfig(kafkaConfig.extend(registryConfig.shape), env);
  const contracts = await loadStreams();
  const registry = new AvroRegistry(config.SCHEMA_REGISTRY_URL);
  const teardown = new Teardown();
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'windrow-simulate' });
  teardown.add('Kafka', () => broker.close());
  try {
    const encoders = {
      track: await RawTopic.open(streamNamed(contracts, 'track'), { broker, registry }),
      weather: await RawTopic.open(streamNamed(contracts, 'weather'), { broker, registry }),
    };
    const producer = await broker.producer();
    teardown.add('the producer', () => producer.close());
    return {
      async send(batch) {
        const stream = batch[0]!.stream;
        const { topic } = encoders[stream];
        await producer.send([{ topic, records: batch.map((delivery) => encoders[stream].output(delivery)) }]);
        return [];
      },
      close: () => teardown.run(),
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

class RawTopic {
  readonly topic: string;
  readonly #contract: StreamContract;
  readonly #codec: AvroCodec;
  readonly #schemaId: number;

  static async open(
    contract: StreamContract,
    { broker, registry }: { broker: KafkaBroker; registry: AvroRegistry },
  ): Promise<RawTopic> {
    const { name } = contract.topics.raw;
    await assertTopicsExist(broker, [name]);
    const schemaId = await registry.register(name, contract.schema);
    return new RawTopic(contract, new AvroCodec(contract.schema, registry), schemaId);
  }

  private constructor(contract: StreamContract, codec: AvroCodec, schemaId: number) {
    this.topic = contract.topics.raw.name;
    this.#contract = contract;
    this.#codec = codec;
    this.#schemaId = schemaId;
  }

  output(delivery: Delivery): OutputRecord {
    const record = delivery.stream === 'weather' ? { ...delivery.observation } : recordOf(delivery);
    const key = this.#contract.key(record);
    const isUnreadable = delivery.stream === 'track' && delivery.breakage === 'unreadable';
    const value = isUnreadable
      ? Buffer.from(JSON.stringify({ event: record.event_name, from: 'a producer that knows no Avro' }))
      : this.#codec.encode(record, this.#schemaId);
    return { key, value };
  }
}

function recordOf({ event, breakage }: TrackDelivery) {
  const record = trackRecord(event);
  if (breakage === 'place') record.latitude = 200;
  if (breakage === 'type') record.type = 'unknown';
  return record;
}
