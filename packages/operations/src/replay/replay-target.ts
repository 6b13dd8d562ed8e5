import type { EventRecord } from '@windrow/contracts';
import type { Progress } from '../progress.ts';
import type { Accepted } from './accepted-events.ts';
import type { ReplayRecord, TargetState } from './replay-record.ts';

/** An event whose row is made again. */
export interface ReplayedRow {
  partition: number;
  record: EventRecord;
  accepted: Accepted;
}

export interface Publishing {
  signal: AbortSignal;
  progress: Progress;
}

/**
 * A destination of a replay. It stages the new rows beside its table, where no reader sees them, and then publishes them. Until
 * `publish` its table is unchanged.
 */
export interface ReplayTarget {
  /** Whether everything that an earlier run staged is still there, or is published. */
  isStaged(record: ReplayRecord): Promise<boolean>;
  /** Begins an empty stage under a new claim, which ends an earlier run's. */
  open(): Promise<TargetState>;
  append(row: ReplayedRow): Promise<void>;
  /** Stages that the row of an event is removed and none is inserted. */
  withdraw(partition: number, event: () => EventRecord): Promise<void>;
  /** After the last row: makes the stage durable. */
  finish(): Promise<TargetState>;
  /** Replaces the rows of the table. Called again after an error, it continues where it was. */
  publish(record: ReplayRecord, publishing: Publishing): Promise<TargetState>;
  /** Gives up what is staged. The table is not changed. */
  cancel(record: ReplayRecord): Promise<void>;
  /** After the replay is recorded as done. */
  removeStage(): Promise<void>;
}
