/** How the ledger is stored in the table's `txn` actions (DESIGN.md, "Lake"): by several app ids for each Kafka partition of a sink. */

import type { TopicPartition } from '@windrow/contracts';

/** The position of a partition: all offsets below `nextOffset` are committed, as `rows` rows. */
export interface LedgerPosition extends TopicPartition {
  readonly nextOffset: number;
  readonly rows: number;
}

/** One partition's part of a micro-batch: the offsets from `fromOffset` up to, but not including `nextOffset`, as `rows` rows. */
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

/** The owner of a table's maintenance commands. It owns no partition. */
export function upkeepOwnerAppId(sink: string): string {
  return `${sink}:upkeep#owner`;
}

/** The owner of a table's replays. It owns no partition. */
export function replayOwnerAppId(sink: string): string {
  return `${sink}:replay#owner`;
}

/** The epoch of the table's last replay, and the version of its commit. */
export function replayAppId(sink: string): { last: string; version: string } {
  return { last: `${sink}:replay`, version: `${sink}:replay#version` };
}

/** Its version is the number of rows that replays have added to the partition, minus those that they have removed. */
export function replayedRowsAppId(sink: string, of: TopicPartition): string {
  return `${offsetAppId(sink, of)}#replayed`;
}

/**
 * Its version is a time, epoch milliseconds. Files that were removed, or written and never committed, before it may have been
 * deleted.
 */
export function vacuumAppId(sink: string): string {
  return `${sink}:upkeep#vacuum`;
}

/** Describes the epochs that another process has claimed since. */
export function lostEpochs(txns: ReadonlyMap<string, number>, epochs: ReadonlyMap<string, number>): string[] {
  return [...epochs].flatMap(([appId, mine]) => {
    const epoch = txns.get(appId);
    return epoch === mine ? [] : [`${appId} (epoch ${epoch}, claimed ${mine})`];
  });
}

/** Its version is the number of committed rows. */
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

/** All partitions that the sink has ever claimed, sorted. */
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
