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
import type { MicroBatch as FilledMicroBatch, OffsetRange } from '@windrow/sink';
import type { PreparedRecords } from './column-codec.ts';
import type { Feed } from './feeds.ts';

/** Heap of a rejected record in addition to its bytes, measured roughly. */
const rejectedOverheadBytes = 400;
const historyMs = 3_600_000;

/** The next rows of one table, in columns. */
export class MicroBatch implements FilledMicroBatch {
  readonly openedMs = Date.now();
  skipped = 0;
  readonly rejected: RejectedRecord[] = [];
  /** When the oldest event of each fetched range was accepted, epoch milliseconds. */
  readonly acceptedMs: number[] = [];
  /** Partition → its newest event time. */
  readonly newestMs = new Map<number, number>();
  readonly buffers: ColumnBuffers;
  readonly #feed: Feed;
  #rejectedBytes = 0;
  /** Partition → rows. */
  readonly #rows = new Map<number, number>();

  /** @param buffers empty ones of the feed's schema */
  constructor(feed: Feed, buffers: ColumnBuffers) {
    this.#feed = feed;
    this.buffers = buffers;
  }

  get rowCount(): number {
    return this.buffers.rowCount;
  }

  get usedBytes(): number {
    return this.buffers.usedBytes + this.#rejectedBytes;
  }

  /** Adds the records `from` to `to`. @returns `to`, or the index of the first record that the columns do not accept */
  take(partition: number, prepared: PreparedRecords, from: number, to: number): number {
    const first = this.rowCount;
    const next = this.#feed.codec.decode(prepared, from, to, this.buffers);
    this.#appendLedger(partition, prepared.records.offsets, from, next);
    this.#note(partition, first);
    return next;
  }

  /** Adds a record that was decoded separately. */
  add(partition: number, outcome: Outcome): void {
    const { input } = outcome;
    if (outcome.kind === 'drop') {
      this.skipped += 1;
    } else if (outcome.kind === 'deadLetter') {
      this.rejected.push({ ...outcome, partition });
      this.#rejectedBytes += rejectedOverheadBytes + (input.key?.length ?? 0) + (input.value?.length ?? 0);
    } else {
      const first = this.rowCount;
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
    // Every record of a batch has an offset.
    for (let index = from; index < to; index++) ownOffsets.append(offsets[index] ?? Number.NaN);
    ingested.fill(this.openedMs * 1_000, to - from);
  }

  /** Counts the rows from `first` on for their partition, and notes its newest event time. */
  #note(partition: number, first: number): void {
    const times = this.#timestamps(this.#feed.eventTimeColumn);
    let newestMs = this.newestMs.get(partition) ?? Number.NEGATIVE_INFINITY;
    for (let row = first; row < this.rowCount; row++) {
      if (times.present[row] === 0) continue;
      const timeMs = times.millisAt(row);
      if (timeMs > newestMs && isDated(timeMs)) newestMs = timeMs;
    }
    if (Number.isFinite(newestMs)) this.newestMs.set(partition, newestMs);
    this.#rows.set(partition, (this.#rows.get(partition) ?? 0) + this.rowCount - first);
  }

  #timestamps(column: number): Int64Column {
    const times = this.buffers.columns[column];
    if (times?.kind !== 'int64') throw new TypeError(`column ${column} of ${this.#feed.table} has no times`);
    return times;
  }

  /** Notes when this installation accepted the row's event. `timestampMs`: when Kafka appended it, epoch milliseconds. */
  noteAccepted(row: number, timestampMs: number): void {
    const { receivedTimeColumn } = this.#feed;
    const received = receivedTimeColumn === undefined ? undefined : this.#timestamps(receivedTimeColumn);
    const receivedMs = received?.present[row] === 1 ? received.millisAt(row) : Number.NEGATIVE_INFINITY;
    // Events of loaded files were received long ago by another installation. For them, Kafka's time counts.
    this.acceptedMs.push(receivedMs < timestampMs - historyMs ? timestampMs : receivedMs);
  }

  /** The ranges with their numbers of rows. */
  ledgerRanges(ranges: readonly OffsetRange[]): LedgerRange[] {
    const { topic } = this.#feed;
    return ranges.map((range) => ({ topic, ...range, rows: this.#rows.get(range.partition) ?? 0 }));
  }

  /** The files of this micro-batch. */
  files(encoder: ParquetEncoder, maxWindows: number): PlannedFile[] {
    return plannedFiles(this.buffers, this.#timestamps(this.#feed.eventTimeColumn), encoder, maxWindows);
  }
}
