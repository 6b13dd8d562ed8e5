import type { EventRecord } from '@windrow/contracts';
import { type InputRecord, type Outcome, RecordBuffer, type RejectedRecord } from '@windrow/pipeline';
import type { LedgerStep } from '@windrow/postgres';
import { CopyRows, dataException } from '@windrow/postgres';
import type { Feed } from './feeds.ts';

/** A refused event stays on the heap: what it takes there beside its bytes, measured roughly. */
const refusalBytes = 400;
const historyMs = 3_600_000;

/** The next rows of one table, with the offsets that they take the ledger to. */
export class MicroBatch {
  readonly rows: CopyRows;
  /** Events that can't even be sent to Postgres. */
  readonly refused: RejectedRecord[] = [];
  /** When Windrow had the oldest event of each range that was fetched, epoch milliseconds. */
  readonly acceptedMs: number[] = [];
  readonly openedMs = Date.now();
  /** Its age has come. */
  isDue = false;
  skipped = 0;
  readonly #feed: Feed;
  /** Of each row, should Postgres refuse it. */
  readonly #sources = new RecordBuffer();
  readonly #ranges = new Map<number, { expected: number; next: number }>();
  #refusedBytes = 0;

  constructor(feed: Feed) {
    this.#feed = feed;
    this.rows = new CopyRows(feed.mapping);
  }

  /** What it holds in memory. */
  get bytes(): number {
    return this.rows.bytes + this.#sources.bytes + this.#refusedBytes;
  }

  /** After its last use: it has landed, or never will. */
  release(): void {
    this.#sources.release();
  }

  /** Takes the partition's range on; `expected`: what the ledger says before this micro-batch. */
  advance(partition: number, expected: number, next: number): void {
    const range = this.#ranges.get(partition);
    if (range) range.next = next;
    else this.#ranges.set(partition, { expected, next });
  }

  add(partition: number, outcome: Outcome): void {
    const { input } = outcome;
    if (outcome.kind === 'drop') {
      this.skipped += 1;
      return;
    }
    if (outcome.kind === 'deadLetter') {
      this.#addRefused({ ...outcome, partition });
      return;
    }
    const fault = this.rows.add(outcome.record);
    if (fault === null) this.#sources.add(partition, input);
    else this.#addRefused(this.#refusal(input, partition, dataException, fault));
  }

  #addRefused(refusal: RejectedRecord): void {
    const { key, value } = refusal.input;
    this.refused.push(refusal);
    this.#refusedBytes += refusalBytes + (key?.length ?? 0) + (value?.length ?? 0);
  }

  /** Notes when the oldest event of a fetched range was accepted. */
  noteAccepted(input: InputRecord, record: EventRecord): void {
    const receivedMs = this.#feed.receivedMs(record);
    // History that is loaded from files was received long ago, but not by this installation.
    const isHistory = receivedMs === null || receivedMs < input.timestampMs - historyMs;
    this.acceptedMs.push(isHistory ? input.timestampMs : receivedMs);
  }

  /** The refusal of a row that Postgres didn't take. */
  refuse(row: number, reason: string, message: string): RejectedRecord {
    return this.#refusal(this.#sources.inputOf(row), this.#sources.partitionOf(row), reason, message);
  }

  #refusal(input: InputRecord, partition: number, reason: string, message: string): RejectedRecord {
    const schemaId = input.value && input.value.length >= 5 ? input.value.readInt32BE(1) : null;
    return { kind: 'deadLetter', input, stage: 'postgres', reason, message, schemaId, partition };
  }

  /** How it takes the ledger on when these events are refused and all others land; by partition. */
  ledgerSteps(refused: RejectedRecord[]): LedgerStep[] {
    const steps = [...this.#ranges].map(([partition, { expected, next }]) => ({
      partition,
      expected,
      next,
      rows: 0,
      rejected: 0,
    }));
    const byPartition = new Map(steps.map((step) => [step.partition, step]));
    for (let row = 0; row < this.#sources.count; row++) {
      const step = byPartition.get(this.#sources.partitionOf(row));
      if (step) step.rows += 1;
    }
    const sent = new Set(this.refused);
    for (const refusal of refused) {
      const step = byPartition.get(refusal.partition);
      if (!step) continue;
      step.rejected += 1;
      if (!sent.has(refusal)) step.rows -= 1;
    }
    return steps.sort((a, b) => a.partition - b.partition);
  }
}
