import type { TopicPartition } from '@windrow/contracts';
import type { Action, Add } from '../delta/actions.ts';
import type { DeltaLog } from '../delta/delta-log.ts';
import { type LiveFile, rowsOf } from '../delta/live-files.ts';
import type { TableState } from '../delta/table-state.ts';
import {
  claimedPartitions,
  offsetAppId,
  ownerAppId,
  positionOf,
  replayedRowsAppId,
  rowsAppId,
} from '../ledger/positions.ts';

/** A partition's position in the ledger, and its number of rows. */
interface Place {
  readonly nextOffset: number;
  readonly rows: number;
  /** Rows that replays have added, minus those that they have removed. */
  readonly replayed: number;
}

export interface PlaceChange extends TopicPartition {
  readonly from: Place;
  readonly to: Place;
}

/** The changes from the latest version of a table to an older one. */
export interface RestoreChanges {
  /** The files of the older version that are not live. */
  readonly added: readonly Add[];
  /** The live files that the older version doesn't have. */
  readonly removed: readonly LiveFile[];
  /** Every partition that the sink has claimed, also those without a change. */
  readonly places: readonly PlaceChange[];
}

/** The changes to the state `target`. The log must have been opened with `withFiles`. */
export function changesTo(target: TableState, log: DeltaLog, sink: string): RestoreChanges {
  const then = txnVersions(target);
  return {
    added: [...target.adds.values()].filter(({ path }) => !log.liveFiles.has(path)),
    removed: [...log.liveFiles.values()].filter(({ path }) => !target.adds.has(path)),
    places: claimedPartitions(log.txns, sink).map((of) => ({
      ...of,
      from: placeOf(log.txns, sink, of),
      to: placeOf(then, sink, of),
    })),
  };
}

function placeOf(txns: ReadonlyMap<string, number>, sink: string, of: TopicPartition): Place {
  const { nextOffset, rows } = positionOf(txns, sink, of);
  return { nextOffset, rows, replayed: txns.get(replayedRowsAppId(sink, of)) ?? 0 };
}

export const txnVersions = ({ txns }: TableState): Map<string, number> =>
  new Map([...txns].map(([appId, { version }]) => [appId, version]));

export function changesNothing({ added, removed, places }: RestoreChanges): boolean {
  return added.length === 0 && removed.length === 0 && places.every((place) => !moves(place));
}

export const moves = ({ from, to }: PlaceChange): boolean =>
  from.nextOffset !== to.nextOffset || from.rows !== to.rows || from.replayed !== to.replayed;

/**
 * The actions of the restore's commit: they swap the files, set each partition's position to that of the older version, and
 * increment its epoch, so that no sink commits a micro-batch for the former position.
 */
export function restoreActions(
  { added, removed, places }: RestoreChanges,
  { txns }: DeltaLog,
  { sink, nowMs }: { sink: string; nowMs: number },
): Action[] {
  const txn = (appId: string, version: number) => ({ txn: { appId, version, lastUpdated: nowMs } });
  return [
    ...places.flatMap((place) => [
      txn(ownerAppId(sink, place), (txns.get(ownerAppId(sink, place)) ?? 0) + 1),
      ...(moves(place)
        ? [
            txn(offsetAppId(sink, place), place.to.nextOffset),
            txn(rowsAppId(sink, place), place.to.rows),
            ...(place.from.replayed === place.to.replayed
              ? []
              : [txn(replayedRowsAppId(sink, place), place.to.replayed)]),
          ]
        : []),
    ]),
    ...removed.map(({ path, partitionValues, sizeBytes }) => ({
      remove: {
        path,
        deletionTimestamp: nowMs,
        dataChange: true,
        extendedFileMetadata: true,
        partitionValues: { ...partitionValues },
        size: sizeBytes,
      },
    })),
    ...added.map((add) => ({ add: { ...add, dataChange: true } })),
  ];
}

/** The metrics that Spark writes for RESTORE. */
export function restoreMetrics({ added, removed }: RestoreChanges, { liveFiles }: DeltaLog) {
  const bytesOf = (files: readonly { sizeBytes: number }[]) =>
    files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const restoredFilesSize = added.reduce((sum, { size }) => sum + size, 0);
  const removedFilesSize = bytesOf(removed);
  return {
    numRestoredFiles: added.length,
    restoredFilesSize,
    numRemovedFiles: removed.length,
    removedFilesSize,
    numOfFilesAfterRestore: liveFiles.size + added.length - removed.length,
    tableSizeAfterRestore: bytesOf([...liveFiles.values()]) + restoredFilesSize - removedFilesSize,
  };
}

/** Undefined when a file has no row count in its statistics. */
export function rowsAdded({ added }: RestoreChanges): number | undefined {
  return total(added.map(({ stats }) => (stats === undefined ? undefined : rowsOf(stats))));
}

/** Undefined when a file has no row count in its statistics. */
export function rowsRemoved({ removed }: RestoreChanges): number | undefined {
  return total(removed.map(({ rows }) => rows));
}

function total(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce<number | undefined>(
    (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
    0,
  );
}
