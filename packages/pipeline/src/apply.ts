import { type AvroRegistry, type StreamContract, type TopicSpec, topicsOf } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import type { Broker, TopicCreation } from './broker.ts';

export interface Applied {
  created: string[];
  existing: string[];
  /** Topic → its value schema's id. */
  schemaIds: Map<string, number>;
}

/** Replays, delayed sinks and audits read compacted topics. No record may be compacted away before they have had this time. */
const compactionLagMs = 24 * 3_600_000;

/**
 * Creates the missing topics of all streams and registers their schemas. Existing topics stay as they are.
 * @param options `partitions`: for new topics whose contract doesn't say how many they have
 * @throws WindrowError CONTRACT_INVALID if an existing raw topic and its enriched topic differ in partitions;
 * SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE, KAFKA_UNAVAILABLE
 */
export async function applyStreams(
  contracts: StreamContract[],
  options: { broker: Broker; registry: AvroRegistry; partitions: number },
): Promise<Applied> {
  const { broker, registry, partitions } = options;
  const all = topicsOf(contracts);
  const present = await broker.describeTopics(all.map(({ topic }) => topic.name));
  const existing = new Map(present.map((topic) => [topic.name, topic.partitions]));
  // The enricher writes to the partition that it reads from, so an enriched topic gets as many partitions as its raw topic.
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
      // With the producer's timestamps (CreateTime), retention would delete old events as soon as they are written.
      'message.timestamp.type': 'LogAppendTime',
      ...(topic.cleanup === 'compact' && { 'min.compaction.lag.ms': String(compactionLagMs) }),
      // Kafka never compacts the active segment; this setting makes it roll the segment in time.
      ...(topic.compactWithinMs && { 'max.compaction.lag.ms': String(topic.compactWithinMs) }),
    },
  };
}
