import { Dedupe } from '@windrow/enrichment';
import type { Broker, PartitionOffset, TransactionalProducer } from '@windrow/pipeline';
import { failpoint } from '@windrow/runtime';
import { reloadIds } from './reload-ids.ts';
import type { StreamSteps } from './stream-steps.ts';

/**
 * A partition that this process has taken over. Its state is right as long as its transactions succeed: after a takeover by
 * another process, the next one fails. After any failure the partition must be given up and taken over again.
 */
export interface OwnedPartition {
  partition: number;
  /** The offset after the last committed range. */
  position: number;
  producer: TransactionalProducer;
  /** Null for a stream that keeps its duplicates. */
  dedupe: Dedupe | null;
}

export interface TakeOverOptions {
  broker: Broker;
  groupId: string;
  maxIds: number;
}

/**
 * Takes over partitions of a stream's raw topic, all at the same time. The order makes it exact: first it initialises the
 * transactional producer, which aborts the open transaction of the former owner and fences it. Then it reads the committed
 * offset, which can't move any more. Then it loads the ids that were enriched before that offset.
 * @throws retriable errors, with nothing left open
 */
export async function takeOver(
  steps: StreamSteps,
  partitions: number[],
  { broker, groupId, maxIds }: TakeOverOptions,
  signal: AbortSignal,
): Promise<OwnedPartition[]> {
  const topic = steps.contract.topics.raw.name;
  const { dedupe } = steps;
  const producers = await openProducers(broker, groupId, topic, partitions);
  try {
    await failpoint('enricher.takeover.afterFence');
    const [committed, starts] = [
      await broker.stableOffsets(groupId, topic, partitions),
      await broker.startOffsets(topic),
    ];
    await failpoint('enricher.takeover.afterOffsets');
    const owned = producers.map(
      ({ partition, producer }): OwnedPartition => ({
        partition,
        producer,
        position: Math.max(committed.get(partition) ?? 0, starts.get(partition) ?? 0),
        dedupe: dedupe && new Dedupe({ horizonMs: dedupe.horizonMs, maxIds }),
      }),
    );
    if (dedupe) await reloadIds(broker, steps, owned, signal);
    return owned;
  } catch (error) {
    await Promise.all(producers.map(({ producer }) => producer.close()));
    throw error;
  }
}

async function openProducers(broker: Broker, groupId: string, topic: string, partitions: number[]) {
  const openings = await Promise.allSettled(
    partitions.map(async (partition) => ({
      partition,
      producer: await broker.transactionalProducer(`${groupId}-${topic}-${partition}`, {
        groupId,
        topic,
        partition,
      }),
    })),
  );
  const opened = openings.flatMap((opening) => (opening.status === 'fulfilled' ? [opening.value] : []));
  const failure = openings.find((opening) => opening.status === 'rejected');
  if (failure) {
    await Promise.all(opened.map(({ producer }) => producer.close()));
    throw failure.reason;
  }
  return opened;
}

export const positionOf = (topic: string, { partition, position }: OwnedPartition): PartitionOffset => ({
  topic,
  partition,
  offset: position,
});
