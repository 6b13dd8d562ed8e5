import {
  appendRecord,
  type ColumnBuffers,
  type Int64Column,
  isDated,
  type LedgerRange,
  ledgerColumns,
  type ParquetEncoder,
  type PlannedFile,
  plannedFiles,
} from '@windrow/lake';
import type { Outcome, RejectedRecord } from '@windrow/pipeline';
import type { PreparedRecords } from './column-codec.ts';
import type { Feed } from './feeds.ts';

/** A refused event stays on the heap: what it takes there beside its bytes, measured roughly. */
const refusalBytes = 400;

/** The next rows of one table in columns, with the offsets that they take the ledger to. */
export class MicroBatch {
  readonly openedMs = Date.now();
  /** Its age has come. */
  isDue = false;
  skipped = 0;
  readonly refused: RejectedRecord[] = [];
  /** When the oldest event of each fetched range was accepted, epoch milliseconds. */
  readonly acceptedMs: number[] = [];
  /** Partition → its newest event time. */
  readonly newestMs = new Map<number, number>();
  readonly buffers: ColumnBuffers;
  readonly #feed: Feed;
  #refusedBytes = 0;
  readonly #ranges = new Map<number, { fromOffset: number; nextOffset: number; rows: number }>();

  /** @param buffers empty ones of the feed's schema */
  constructor(feed: Feed, buffers: ColumnBuffers) {
    this.#feed = feed;
    this.buffers = buffers;
  }

  get rows(): number {
    return this.buffers.rowCount;
  }

  /** What is in it takes so much. */
  get usedBytes(): number {
    return this.buffers.usedBytes + this.#refusedBytes;
  }

  /** Takes the partition's range on; `fromOffset`: what the ledger says before this micro-batch. */
  advance(partition: number, fromOffset: number, nextOffset: number): void {
    const range = this.#ranges.get(partition);
    if (range) range.nextOffset = nextOffset;
    else this.#ranges.set(partition, { fromOffset, nextOffset, rows: 0 });
  }

  /** Takes the records `from` to `to`. @returns `to`, or the index of the first one that has to be settled */
  take(partition: number, prepared: PreparedRecords, from: number, to: number): number {
    const first = this.rows;
    const next = this.#feed.codec.decode(prepared, from, to, this.buffers);
    this.#appendLedger(partition, prepared.records.offsets, from, next);
    this.#note(partition, first);
    return next;
  }

  /** Takes a record that was settled. */
  settle(partition: number, outcome: Outcome): void {
    const { input } = outcome;
    if (outcome.kind === 'drop') {
      this.skipped += 1;
    } else if (outcome.kind === 'deadLetter') {
      this.refused.push({ ...outcome, partition });
      this.#refusedBytes += refusalBytes + (input.key?.length ?? 0) + (input.value?.length ?? 0);
    } else {
      const first = this.rows;
      appendRecord(this.buffers, outcome.record);
      this.#appendLedger(partition, [input.offset], 0, 1);
      this.#note(partition, first);
    }
  }

  #appendLedger(partition: number, offsets: ArrayLike<number>, from: number, to: number): void {
    const { columns } = this.buffers;
    const [topics, partitions, ownOffsets, ingested] = columns.slice(-ledgerColumns.length);
    if (topics?.kind !== 'bytes' || partitions?.kind !== 'int32') throw new TypeError('no ledger columns');
    if (ownOffsets?.kind !== 'int64' || ingested?.kind !== 'int64') throw new TypeError('no ledger columns');
    topics.fill(this.#feed.topic, to - from);
    partitions.fill(partition, to - from);
    for (let index = from; index < to; index++) ownOffsets.append(offsets[index]!);
    ingested.fill(this.openedMs, to - from);
  }

  /** Of the rows from `first` on, which are the partition's. */
  #note(partition: number, first: number): void {
    const times = this.#timestamps(this.#feed.eventTimeColumn);
    let newestMs = this.newestMs.get(partition) ?? Number.NEGATIVE_INFINITY;
    for (let row = first; row < this.rows; row++) {
      if (times.present[row] === 0) continue;
      const timeMs = times.numberAt(row);
      if (timeMs > newestMs && isDated(timeMs)) newestMs = timeMs;
    }
    if (Number.isFinite(newestMs)) this.newestMs.set(partition, newestMs);
    const range = this.#ranges.get(partition);
    if (range) range.rows += this.rows - first;
  }

  #timestamps(column: number): Int64Column {
    const times = this.buffers.columns[column];
    if (times?.kind !== 'int64') throw new TypeError(`column ${column} of ${this.#feed.table} has no times`);
    return times;
  }

  /** When this installation accepted the row's event, epoch milliseconds. `timestampMs`: when Kafka had it. */
  noteAccepted(row: number, timestampMs: number): void {
    const { receivedTimeColumn } = this.#feed;
    const received = receivedTimeColumn === undefined ? undefined : this.#timestamps(receivedTimeColumn);
    const receivedMs = received?.present[row] === 1 ? received.numberAt(row) : Number.NEGATIVE_INFINITY;
    // History that is loaded from files was received long ago, but not by this installation.
    this.acceptedMs.push(receivedMs < timestampMs - historyMs ? timestampMs : receivedMs);
  }

  ranges(): LedgerRange[] {
    const { topic } = this.#feed;
    return [...this.#ranges]
      .map(([partition, range]) => ({ topic, partition, ...range }))
      .sort((a, b) => a.partition - b.partition);
  }

  /** The files that it makes. */
  files(encoder: ParquetEncoder, maxWindows: number): PlannedFile[] {
    return plannedFiles(this.buffers, this.#timestamps(this.#feed.eventTimeColumn), encoder, maxWindows);
  }
}

const historyMs = 3_600_000;
