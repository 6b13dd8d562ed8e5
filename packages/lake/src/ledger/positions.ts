/** How the ledger lies in the table's `txn` actions (DESIGN.md, "Lake"): three app ids for each Kafka partition of a sink. */

import type { TopicPartition } from '@windrow/contracts';

/** What has landed of a partition: every offset below `nextOffset`, in `rows` rows. */
export interface LedgerPosition extends TopicPartition {
  readonly nextOffset: number;
  readonly rows: number;
}

/** A part of a micro-batch: the offsets from `fromOffset` to `nextOffset`, exclusive, which made `rows` rows. */
export interface LedgerRange extends TopicPartition {
  readonly fromOffset: number;
  readonly nextOffset: number;
  readonly rows: number;
}

/** Its version is the next offset. */
export function offsetAppId(sink: string, { topic, partition }: TopicPartition): string {
  return `${sink}:${topic}:${partition}`;
}

/** Its version is the owner's epoch, counted from 1. */
export function ownerAppId(sink: string, of: TopicPartition): string {
  return `${offsetAppId(sink, of)}#owner`;
}

/** The owner of a table's upkeep by hand: of no partition. */
export function upkeepOwnerAppId(sink: string): string {
  return `${sink}:upkeep#owner`;
}

/** The owner of a table's replays: of no partition. */
export function replayOwnerAppId(sink: string): string {
  return `${sink}:replay#owner`;
}

/** The epoch of the table's last replay, and the version that it was committed as. */
export function replayAppId(sink: string): { last: string; version: string } {
  return { last: `${sink}:replay`, version: `${sink}:replay#version` };
}

/** Its version is what replays have added to the partition's rows so far, less what they have taken from them. */
export function replayedRowsAppId(sink: string, of: TopicPartition): string {
  return `${offsetAppId(sink, of)}#replayed`;
}

/**
 * Its version is a time, epoch milliseconds: files that were removed, or never named, before it may have been deleted.
 */
export function vacuumAppId(sink: string): string {
  return `${sink}:upkeep#vacuum`;
}

/** Those epochs that somebody else has claimed anew, in words. */
export function lostEpochs(txns: ReadonlyMap<string, number>, epochs: ReadonlyMap<string, number>): string[] {
  return [...epochs].flatMap(([appId, mine]) => {
    const epoch = txns.get(appId);
    return epoch === mine ? [] : [`${appId} (epoch ${epoch}, claimed ${mine})`];
  });
}

/** Its version is the number of rows landed so far. */
export function rowsAppId(sink: string, of: TopicPartition): string {
  return `${offsetAppId(sink, of)}#rows`;
}

export function positionOf(
  txns: ReadonlyMap<string, number>,
  sink: string,
  { topic, partition }: TopicPartition,
): LedgerPosition {
  return {
    topic,
    partition,
    nextOffset: txns.get(offsetAppId(sink, { topic, partition })) ?? 0,
    rows: txns.get(rowsAppId(sink, { topic, partition })) ?? 0,
  };
}

/** The positions of all partitions that the sink has ever committed. */
export function allPositions(txns: ReadonlyMap<string, number>, sink: string): LedgerPosition[] {
  return partitionsIn(txns, sink, /^([^:#]+):([^:#]+):(\d+)$/).map((of) => positionOf(txns, sink, of));
}

/** All partitions that the sink has ever claimed, in the order of their names. */
export function claimedPartitions(txns: ReadonlyMap<string, number>, sink: string): TopicPartition[] {
  return partitionsIn(txns, sink, /^([^:#]+):([^:#]+):(\d+)#owner$/);
}

function partitionsIn(txns: ReadonlyMap<string, number>, sink: string, form: RegExp): TopicPartition[] {
  const partitions: TopicPartition[] = [];
  for (const appId of txns.keys()) {
    const [, owner, topic, partition] = form.exec(appId) ?? [];
    if (owner === sink && topic !== undefined) partitions.push({ topic, partition: Number(partition) });
  }
  return partitions.sort((a, b) =>
    a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition,
  );
}
