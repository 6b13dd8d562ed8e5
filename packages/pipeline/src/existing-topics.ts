import { WindrowError } from '@windrow/runtime';
import type { Broker, TopicDescription } from './broker.ts';

/** @throws WindrowError TOPIC_MISSING that names the topics that Kafka lacks. @returns all of them */
export async function assertTopicsExist(
  broker: Pick<Broker, 'describeTopics'>,
  names: string[],
): Promise<TopicDescription[]> {
  const topics = await broker.describeTopics(names);
  const existing = new Set(topics.map(({ name }) => name));
  const missing = names.filter((name) => !existing.has(name));
  if (missing.length === 0) return topics;
  const message = `Kafka has no topic ${missing.join(', ')}; create the topics with: windrow streams apply`;
  throw new WindrowError('TOPIC_MISSING', message);
}
