import type { Dedupe } from '@windrow/enrichment';
import type { Broker } from '@windrow/pipeline';
import type { StreamSteps } from './stream-steps.ts';

/** The ages at which the next record is searched. If it is older than the last of them, the whole topic is read. */
const backlogAgesMs = [60_000, 3_600_000, 86_400_000, 7 * 86_400_000];

interface Reloaded {
  partition: number;
  position: number;
  dedupe: Dedupe | null;
}

/**
 * Restores the deduplication state from the enriched topic, where the events of a partition are in the partition of the same
 * number. It reads the ids that were enriched within the horizon before the next record of each partition. The ids get the
 * times of the enriched records. So after a restart they are remembered longer than the horizon, by the consumer lag.
 */
export async function reloadIds(
  broker: Broker,
  { contract, dedupe, enriched }: StreamSteps,
  partitions: Reloaded[],
  signal: AbortSignal,
): Promise<void> {
  if (dedupe === null || enriched === null || partitions.length === 0) return;
  const sinceMs = await backlogSince(broker, contract.topics.raw.name, partitions);
  const ends = await broker.endOffsets(enriched.topic);
  const from = await startsOfTail(broker, enriched.topic, sinceMs, dedupe.horizonMs);
  const until = new Map<number, number>();
  for (const [partition, start] of [...from]) {
    const end = ends.get(partition) ?? 0;
    if (start < end) until.set(partition, end);
    else from.delete(partition);
  }
  if (until.size === 0) return;
  const ids = new Map(partitions.map(({ partition, dedupe }) => [partition, dedupe]));
  const reader = await broker.read({
    topic: enriched.topic,
    from,
    onBatch: async ({ partition, records }) => {
      const decoded = await dedupe.idCodec.decode(records.map(({ value }) => value));
      for (const [index, result] of decoded.entries()) {
        // Only the enricher writes to this topic. A record of another writer has no id of an event.
        if (!result.ok) continue;
        ids.get(partition)?.add(dedupe.idOf(result.record), records[index]?.timestampMs ?? 0);
      }
    },
  });
  try {
    await reader.reached(until, signal);
  } finally {
    await reader.close();
  }
}

/** Partition → a time at or before the time of the record at its position, which may be old in a backlog; or 0. */
async function backlogSince(
  broker: Broker,
  topic: string,
  partitions: Reloaded[],
): Promise<Map<number, number>> {
  const nowMs = Date.now();
  const since = new Map<number, number>();
  for (const ageMs of backlogAgesMs) {
    const missing = partitions.filter(({ partition }) => !since.has(partition));
    if (missing.length === 0) return since;
    const offsets = await broker.offsetsAt(topic, nowMs - ageMs);
    for (const { partition, position } of missing)
      if ((offsets.get(partition) ?? 0) <= position) since.set(partition, nowMs - ageMs);
  }
  for (const { partition } of partitions) if (!since.has(partition)) since.set(partition, 0);
  return since;
}

async function startsOfTail(
  broker: Broker,
  topic: string,
  sinceMs: Map<number, number>,
  horizonMs: number,
): Promise<Map<number, number>> {
  const starts = new Map<number, number>();
  for (const since of new Set(sinceMs.values())) {
    const offsets = await broker.offsetsAt(topic, Math.max(0, since - horizonMs));
    for (const [partition, own] of sinceMs)
      if (own === since) starts.set(partition, offsets.get(partition) ?? 0);
  }
  return starts;
}
