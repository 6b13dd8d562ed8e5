import { type AvroRegistry, type StreamContract, type TopicSpec, topicsOf } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Broker, TopicCreation } from './broker.ts';

export interface Applied {
  created: string[];
  existing: string[];
  /** Topic → its value schema's id. */
  schemaIds: Map<string, number>;
}

/** Replays, late sinks and audits read compacted topics within this time of a record's arrival, so none may go earlier. */
const compactionLagMs = 24 * 3_600_000;

/**
 * Makes the topics and registers the schemas of all streams; does nothing where they are there already.
 * Errors: CONTRACT_INVALID where existing topics can't be joined, SCHEMA_INCOMPATIBLE, and those of broker and registry.
 * `partitions`: of topics that don't fix their own; topics that exist keep theirs.
 */
export async function applyStreams(
  contracts: StreamContract[],
  { broker, registry, partitions }: { broker: Broker; registry: AvroRegistry; partitions: number },
): Promise<Applied> {
  const all = topicsOf(contracts);
  const present = await broker.describeTopics(all.map(({ topic }) => topic.name));
  const existing = new Map(present.map((topic) => [topic.name, topic.partitions]));
  // The enricher writes to the partition it has read: a raw topic that is there decides for its enriched one.
  const inputOf = new Map(contracts.map(({ topics }) => [topics.enriched?.name, topics.raw.name]));
  const countOf = (topic: TopicSpec) =>
    existing.get(inputOf.get(topic.name) ?? '') ?? topic.partitions ?? partitions;
  for (const { raw, enriched } of contracts.map(({ topics }) => topics)) {
    const [input, output] = [existing.get(raw.name), existing.get(enriched?.name ?? '')];
    if (input === undefined || output === undefined || input === output) continue;
    const way = `add partitions to the smaller one, or delete ${enriched?.name} before its first use`;
    const message = `${raw.name} has ${input} partitions, ${enriched?.name} ${output}; they must be equal: ${way}`;
    throw new WindrowError('CONTRACT_INVALID', message);
  }
  const created = await broker.createTopics(all.map(({ topic }) => creationOf(topic, countOf(topic))));
  const schemaIds = new Map<string, number>();
  for (const { topic, schema } of all) schemaIds.set(topic.name, await registry.register(topic.name, schema));
  return {
    created,
    existing: all.map(({ topic }) => topic.name).filter((name) => !created.includes(name)),
    schemaIds,
  };
}

function creationOf(topic: TopicSpec, partitions: number): TopicCreation {
  return {
    name: topic.name,
    partitions,
    config: {
      'cleanup.policy': topic.cleanup,
      'retention.ms': String(topic.retentionMs),
      // By the producer's time, history would be deleted as soon as it came.
      'message.timestamp.type': 'LogAppendTime',
      ...(topic.cleanup === 'compact' && { 'min.compaction.lag.ms': String(compactionLagMs) }),
      // This rolls the active segment too, which is never compacted.
      ...(topic.compactWithinMs && { 'max.compaction.lag.ms': String(topic.compactWithinMs) }),
    },
  };
}
