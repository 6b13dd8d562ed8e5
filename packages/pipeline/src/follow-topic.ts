import { AvroCodec, type AvroRecordSchema, type AvroRegistry } from '@windrow/contracts';
import type { Broker, InputRecord, TopicReader } from './broker.ts';
import { assertTopicsExist } from './existing-topics.ts';

export interface FollowOptions<T> {
  broker: Pick<Broker, 'read' | 'endOffsets' | 'describeTopics'>;
  registry: AvroRegistry;
  topic: string;
  schema: AvroRecordSchema;
  /** @param record null if the key was deleted */
  onRecord(key: string, record: T | null): void;
  /** Called for a record that can't be decoded, which is skipped. */
  onForeign(offset: number, reason: string): void;
}

/**
 * Reads one of Windrow's topics from its start and follows it. Fulfilled when it has been read to its current end.
 * @throws WindrowError TOPIC_MISSING, KAFKA_UNAVAILABLE
 */
export async function followTopic<T>(options: FollowOptions<T>): Promise<TopicReader> {
  const { broker, topic, schema, registry } = options;
  await assertTopicsExist(broker, [topic]);
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
    const input = records[index];
    if (!input) continue;
    const { key, value, offset } = input;
    if (result.ok) onRecord(String(key), result.record as T);
    else if (value === null && key !== null) onRecord(key.toString(), null);
    else onForeign(offset, result.reason);
  }
}
