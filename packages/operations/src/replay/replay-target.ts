import type { EventRecord } from '@windrow/contracts';
import type { Progress } from '../progress.ts';
import type { Accepted } from './accepted-events.ts';
import type { ReplayRecord, TargetState } from './replay-record.ts';

/** An event whose row is made again. */
export interface ReplayedRow {
  partition: number;
  rawOffset: number;
  record: EventRecord;
  accepted: Accepted;
}

/** An event whose row is removed. */
export interface WithdrawnRow {
  partition: number;
  rawOffset: number;
  event(): EventRecord;
}

export interface Publishing {
  signal: AbortSignal;
  progress: Progress;
}

/**
 * A destination of a replay. It stages the new rows beside its table, where no reader sees them, and then publishes them. Until
 * `publish` its table is unchanged, and `cancel` makes it so again.
 */
export interface ReplayTarget {
  /** Whether everything that an earlier run staged is still there, or is published. */
  isStaged(record: ReplayRecord): Promise<boolean>;
  /** Begins an empty stage under a new claim, which ends an earlier run's. */
  open(): Promise<TargetState>;
  append(row: ReplayedRow): Promise<void>;
  /** Stages that the row of an event is removed and none is inserted. */
  withdraw(row: WithdrawnRow): Promise<void>;
  /** After the last row: makes the stage durable. */
  finish(): Promise<TargetState>;
  /** Replaces the rows of the table. Called again after an error, it continues where it was. */
  publish(record: ReplayRecord, publishing: Publishing): Promise<TargetState>;
  /**
   * Discards what is staged, and restores the rows that are replaced already.
   * @returns a `lakeVersion` if the replay is committed in the lake; then nothing was changed
   */
  cancel(record: ReplayRecord, signal: AbortSignal): Promise<TargetState>;
  /** After the replay is recorded as done. */
  removeStage(): Promise<void>;
}
