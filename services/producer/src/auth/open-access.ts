import { randomUUID } from 'node:crypto';
import {
  type AvroRegistry,
  type WriteKey,
  type WriteKeyUsage,
  writeKeySchema,
  writeKeyTopic,
  writeKeyUsageSchema,
  writeKeyUsageTopic,
} from '@windrow/contracts';
import { type Broker, followTopic, type TopicOutput } from '@windrow/pipeline';
import { type Logger, Teardown } from '@windrow/runtime';
import { Access } from './access.ts';
import { DailyUsage } from './daily-usage.ts';
import { KeyTable } from './key-table.ts';
import { UsagePublisher } from './usage-publisher.ts';

export interface OpenAccessOptions {
  broker: Pick<Broker, 'read' | 'endOffsets' | 'describeTopics'>;
  registry: AvroRegistry;
  /** Sends usage records. Fulfilled when Kafka has acknowledged them. */
  send(outputs: TopicOutput[], signal: AbortSignal): Promise<void>;
  required: boolean;
  log: Logger;
  /** Called when the topic of the keys or of the usage can no longer be followed. */
  fail(error: unknown): void;
  topics?: { keys: string; usage: string };
}

/**
 * Reads all write keys and usage counts from Kafka, then follows both topics.
 * @throws WindrowError TOPIC_MISSING, KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE, SCHEMA_INCOMPATIBLE
 */
export async function openAccess(
  options: OpenAccessOptions,
): Promise<{ access: Access; close(): Promise<void> }> {
  const { broker, registry, send, required, log, fail } = options;
  const topics = options.topics ?? { keys: writeKeyTopic.name, usage: writeKeyUsageTopic.name };
  const keys = new KeyTable();
  const usage = new DailyUsage(randomUUID());
  const teardown = new Teardown();
  const follow = async <T>(
    topic: string,
    of: Pick<Parameters<typeof followTopic<T>>[0], 'schema' | 'onRecord'>,
  ) => {
    const onForeign = (offset: number, reason: string) =>
      log.warn({ topic, offset, reason }, 'skipping a record that can not be decoded');
    const reader = await followTopic<T>({ broker, registry, topic, onForeign, ...of });
    teardown.add(topic, () => reader.close());
    reader.failed.catch(fail);
  };
  try {
    // Wait for both, also if one fails, so that every opened reader is closed.
    const opened = await Promise.allSettled([
      follow<WriteKey>(topics.keys, {
        schema: writeKeySchema,
        onRecord: (id, writeKey) => (writeKey ? keys.put(id, writeKey) : keys.delete(id)),
      }),
      follow<WriteKeyUsage>(topics.usage, {
        schema: writeKeyUsageSchema,
        onRecord: (_, published) => published && usage.apply(published),
      }),
    ]);
    for (const result of opened) if (result.status === 'rejected') throw result.reason;
    const publisher = await UsagePublisher.start({ usage, send, registry, log, topic: topics.usage });
    teardown.add('usage', () => publisher.close());
  } catch (error) {
    await teardown.run().catch(() => undefined);
    throw error;
  }
  return { access: new Access({ keys, usage, required }), close: () => teardown.run() };
}
