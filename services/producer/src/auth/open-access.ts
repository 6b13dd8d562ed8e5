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
  /** Sends records of the usage; fulfilled when Kafka has them. */
  send(outputs: TopicOutput[], signal: AbortSignal): Promise<void>;
  required: boolean;
  log: Logger;
  /** Called when the keys, or what other instances let pass, can't be followed any more. */
  fail(error: unknown): void;
  topics?: { keys: string; usage: string };
}

/**
 * Access by the keys that Kafka has; fulfilled when all of them have been read. From then on they are followed.
 * Errors: TOPIC_MISSING, KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE, SCHEMA_INCOMPATIBLE
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
      log.warn({ topic, offset, reason }, 'a record that can not be decoded is passed over');
    const reader = await followTopic<T>({ broker, registry, topic, onForeign, ...of });
    teardown.add(topic, () => reader.close());
    reader.failed.catch(fail);
  };
  try {
    // All of them are waited for, whatever becomes of the first: what was opened has to be closed.
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
