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

/** A partition's place in the ledger, and the rows that it counts. */
interface Place {
  readonly nextOffset: number;
  readonly rows: number;
  /** Of the rows, what replays have added, less what they took. */
  readonly replayed: number;
}

export interface PlaceChange extends TopicPartition {
  readonly from: Place;
  readonly to: Place;
}

/** What turns a table's present into one of its versions. */
export interface RestoreChanges {
  /** The files of that version that are not live. */
  readonly added: readonly Add[];
  /** The live ones that were not in it. */
  readonly removed: readonly LiveFile[];
  /** Every partition that a sink has claimed, also those that stay where they are. */
  readonly places: readonly PlaceChange[];
}

/** Of a log that was opened with its files, to the state of one of its versions. */
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
 * The commit's actions: the files change places, each partition's position becomes that of the version, and its epoch goes on,
 * so that no sink commits what it made for the position that was.
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

/** As Spark tells them of its RESTORE. */
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

/** Undefined where a file doesn't tell its rows. */
export function rowsAdded({ added }: RestoreChanges): number | undefined {
  return total(added.map(({ stats }) => (stats === undefined ? undefined : rowsOf(stats))));
}

/** Undefined where a file doesn't tell its rows. */
export function rowsRemoved({ removed }: RestoreChanges): number | undefined {
  return total(removed.map(({ rows }) => rows));
}

function total(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce<number | undefined>(
    (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
    0,
  );
}
