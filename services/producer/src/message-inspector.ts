import type { EventRecord, InputWarning, StreamContract } from '@windrow/contracts';
import { RecentIds } from './recent-ids.ts';

/** A problem of a message that doesn't prevent its acceptance in most cases. Windrow counts them by source. */
export type IngestionWarning =
  | InputWarning
  | 'clock_skew'
  | 'dropped_by_rule'
  | 'duplicate_id'
  | 'too_large'
  /** Values were replaced by null, or are doubtful: `_quality` has them. */
  | 'doubtful_values';

const usualClockErrorMs = 24 * 3_600_000;

/** Finds problems in accepted messages of a stream. */
export class MessageInspector {
  readonly #contract: StreamContract;
  readonly #recentIds = new RecentIds();

  constructor(contract: StreamContract) {
    this.#contract = contract;
  }

  /** The id of an event in its stream; undefined if the stream is not deduplicated. */
  idOf(record: EventRecord): string | undefined {
    const { dedupe, id } = this.#contract;
    return dedupe && id.map((field) => record[field]).join('\0');
  }

  /** Whether this instance has recently accepted an event with the same id. */
  isRepeated(id: string): boolean {
    return this.#recentIds.add(id);
  }

  /** Compares the time of receipt with the time of sending, or with the event time if the sender doesn't say when it sent. */
  hasClockError(record: EventRecord, receivedAtMs: number): boolean {
    const { sentTime, eventTime, clock } = this.#contract;
    if (sentTime === undefined) return false;
    const timeMs = (record[sentTime] ?? record[eventTime]) as number;
    return Math.abs(receivedAtMs - timeMs) > (clock?.maxErrorMs ?? usualClockErrorMs);
  }
}
