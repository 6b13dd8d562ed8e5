import { AvroCodec, type AvroRecordSchema, type AvroRegistry } from '@windrow/contracts';
import type { Broker, InputRecord, TopicReader } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';

export interface FollowOptions<T> {
  broker: Pick<Broker, 'read' | 'endOffsets' | 'describeTopics'>;
  registry: AvroRegistry;
  topic: string;
  schema: AvroRecordSchema;
  /** `record`: null where the key was deleted. */
  onRecord(key: string, record: T | null): void;
  /** A record of somebody else, which is passed over. */
  onForeign(offset: number, reason: string): void;
}

/**
 * Reads a topic of our own from its start, and follows it; fulfilled when it has been read to its present end.
 * Errors: TOPIC_MISSING, KAFKA_UNAVAILABLE
 */
export async function followTopic<T>(options: FollowOptions<T>): Promise<TopicReader> {
  const { broker, topic, schema, registry } = options;
  if ((await broker.describeTopics([topic])).length === 0) {
    const message = `Kafka has no topic ${topic}; make it with: npx windrow streams apply`;
    throw new WindrowError('TOPIC_MISSING', message);
  }
  const codec = new AvroCodec(schema, registry);
  const reader = await broker.read({ topic, onBatch: ({ records }) => apply(records, codec, options) });
  try {
    await reader.reached(await broker.endOffsets(topic));
    return reader;
  } catch (error) {
    await reader.close().catch(() => undefined);
    throw error;
  }
}

async function apply<T>(
  records: InputRecord[],
  codec: AvroCodec,
  { onRecord, onForeign }: FollowOptions<T>,
): Promise<void> {
  const decoded = await codec.decode(records.map(({ value }) => value));
  for (const [index, result] of decoded.entries()) {
    const { key, value, offset } = records[index] as InputRecord;
    if (result.ok) onRecord(String(key), result.record as T);
    else if (value === null && key !== null) onRecord(key.toString(), null);
    else onForeign(offset, result.reason);
  }
}
