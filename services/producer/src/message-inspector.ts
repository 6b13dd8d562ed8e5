import { type EventRecord, knownFields, type StreamContract } from '@windrow/contracts';
import { RecentIds } from './recent-ids.ts';

/** What is odd about what a source sends. */
export type IngestionWarning =
  | 'clock_skew'
  | 'dropped_by_rule'
  | 'duplicate_id'
  | 'too_large'
  | 'unknown_fields';

const maxClockErrorMs = 24 * 3_600_000;

/** Looks for what is odd about messages of a stream that can be taken all the same. */
export class MessageInspector {
  readonly #contract: StreamContract;
  readonly #knownFields: Set<string>;
  readonly #recentIds = new RecentIds();

  constructor(contract: StreamContract) {
    this.#contract = contract;
    this.#knownFields = knownFields(contract);
  }

  /** `message`: as it came; `record`: what was made of it. */
  warnings(message: object, record: EventRecord, receivedAtMs: number): IngestionWarning[] {
    const warnings: IngestionWarning[] = [];
    if (this.#hasClockError(record, receivedAtMs)) warnings.push('clock_skew');
    if (this.#hasUnknownField(message)) warnings.push('unknown_fields');
    return warnings;
  }

  /** Tells an event from others of the stream; undefined where a stream keeps all records of an id. */
  idOf(record: EventRecord): string | undefined {
    const { dedupe, id } = this.#contract;
    return dedupe && id.map((field) => record[field]).join('\0');
  }

  /** Whether one of the same id was accepted lately, by this instance. */
  isRepeated(id: string): boolean {
    return this.#recentIds.add(id);
  }

  /** By the time of sending; a sender that doesn't say it sends at once what happens. */
  #hasClockError(record: EventRecord, receivedAtMs: number): boolean {
    const { sentTime, eventTime } = this.#contract;
    if (sentTime === undefined) return false;
    const timeMs = (record[sentTime] ?? record[eventTime]) as number;
    return Math.abs(receivedAtMs - timeMs) > maxClockErrorMs;
  }

  #hasUnknownField(message: object): boolean {
    for (const field in message) if (!this.#knownFields.has(field)) return true;
    return false;
  }
}
