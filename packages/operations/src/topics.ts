import { topicsOf } from '@windrow/contracts';
import { assertTopicsExist } from '@windrow/pipeline';
import type { TopicFacts } from './audit/facts.ts';
import type { Installation } from './installation.ts';

/** @throws WindrowError TOPIC_MISSING naming the topics of the contracts that do not exist */
export async function assertTopics({ broker, contracts }: Installation): Promise<void> {
  await assertTopicsExist(
    broker,
    topicsOf(contracts).map(({ topic }) => topic.name),
  );
}

export async function topicFacts(
  { broker }: Installation,
  name: string,
  compacted: boolean,
): Promise<TopicFacts> {
  const [starts, ends] = await Promise.all([broker.startOffsets(name), broker.endOffsets(name)]);
  const partitions = [...ends]
    .map(([partition, end]) => ({ partition, start: starts.get(partition) ?? 0, end }))
    .sort((a, b) => a.partition - b.partition);
  return { name, compacted, partitions };
}

/** Partition → its end offset. */
export function endsOf(topic: TopicFacts): Map<number, number> {
  return new Map(topic.partitions.map(({ partition, end }) => [partition, end]));
}
