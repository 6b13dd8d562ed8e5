import { schemaIdOf } from '@windrow/contracts';
import { type InputRecord, type Outcome, RecordBuffer, type RejectedRecord } from '@windrow/pipeline';
import { CopyRows, dataException, type LedgerStep } from '@windrow/postgres';
import type { OffsetRange, RecordMicroBatch } from '@windrow/sink';
import type { Feed } from './feeds.ts';

/** Heap of a rejected record in addition to its bytes, measured roughly. */
const rejectedOverheadBytes = 400;
const historyMs = 3_600_000;

/** The next rows of one table. */
export class MicroBatch implements RecordMicroBatch {
  readonly rows: CopyRows;
  /** Records that can't be sent to Postgres. */
  readonly rejected: RejectedRecord[] = [];
  /** When Windrow accepted the oldest event of each fetched slice, epoch milliseconds. */
  readonly acceptedMs: number[] = [];
  skipped = 0;
  readonly #feed: Feed;
  readonly #maxDays: number;
  /** The record of each row, in case Postgres rejects it. */
  readonly #sources = new RecordBuffer();
  #rejectedBytes = 0;

  /** @param maxDays on how many UTC days one transaction may write rows */
  constructor(feed: Feed, maxDays: number) {
    this.#feed = feed;
    this.#maxDays = maxDays;
    this.rows = new CopyRows(feed.mapping);
  }

  get rowCount(): number {
    return this.rows.count + this.rejected.length;
  }

  get usedBytes(): number {
    return this.rows.bytes + this.#sources.bytes + this.#rejectedBytes;
  }

  get isFull(): boolean {
    return this.rows.days.size >= this.#maxDays;
  }

  release(): void {
    this.#sources.release();
  }

  add(partition: number, outcome: Outcome): void {
    const { input } = outcome;
    if (outcome.kind === 'drop') {
      this.skipped += 1;
      return;
    }
    if (outcome.kind === 'deadLetter') {
      this.#addRejected({ ...outcome, partition });
      return;
    }
    const fault = this.rows.add(outcome.record);
    if (fault === null) this.#sources.add(partition, input);
    else this.#addRejected(rejectedBy(input, partition, dataException, fault));
  }

  #addRejected(rejected: RejectedRecord): void {
    const { key, value } = rejected.input;
    this.rejected.push(rejected);
    this.#rejectedBytes += rejectedOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  }

  noteAccepted({ input, record }: Extract<Outcome, { kind: 'ok' }>): void {
    const receivedMs = this.#feed.receivedMs(record);
    // Events of loaded files were received long ago by another installation. For them, Kafka's time counts.
    const isHistory = receivedMs === null || receivedMs < input.timestampMs - historyMs;
    this.acceptedMs.push(isHistory ? input.timestampMs : receivedMs);
  }

  /** The record of a row that Postgres rejected. */
  rejectRow(row: number, reason: string, message: string): RejectedRecord {
    return rejectedBy(this.#sources.inputOf(row), this.#sources.partitionOf(row), reason, message);
  }

  /** How the ledger advances over these ranges when these records are rejected and all others are inserted. */
  ledgerSteps(ranges: readonly OffsetRange[], rejected: readonly RejectedRecord[]): LedgerStep[] {
    const steps = ranges.map(
      ({ partition, fromOffset, nextOffset }): LedgerStep => ({
        ...{ partition, expected: fromOffset, next: nextOffset },
        ...{ rows: 0, rejected: 0 },
      }),
    );
    const byPartition = new Map(steps.map((step) => [step.partition, step]));
    for (let row = 0; row < this.#sources.count; row++) {
      const step = byPartition.get(this.#sources.partitionOf(row));
      if (step) step.rows += 1;
    }
    const withoutRow = new Set(this.rejected);
    for (const record of rejected) {
      const step = byPartition.get(record.partition);
      if (!step) continue;
      step.rejected += 1;
      if (!withoutRow.has(record)) step.rows -= 1;
    }
    return steps;
  }
}

function rejectedBy(input: InputRecord, partition: number, reason: string, message: string): RejectedRecord {
  const schemaId = schemaIdOf(input.value);
  return { kind: 'deadLetter', input, stage: 'postgres', reason, message, schemaId, partition };
}
