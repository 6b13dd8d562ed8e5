import { type EventRecord, windowMs } from '@windrow/contracts';
import type { ColumnBatch, ColumnValue, LedgerRange, ParquetEncoder, PlannedFile } from '@windrow/lake';
import { HeldRecords, type Outcome, type Refusal } from '@windrow/pipeline';
import type { Feed } from './feeds.ts';

/** A row's event time, kept beside its record. */
const rowBytes = 8;
/** A refused event stays on the heap: what it takes there beside its bytes, measured roughly. */
const refusalBytes = 400;
/**
 * A file is made of decoded rows, which take three times their Avro bytes for as long as it is being made. So one with more
 * becomes several.
 */
const maxFileAvroBytes = 16 * 2 ** 20;

/** Dates that path and every reader can spell; other times are kept, in the partition without a date. */
const firstDatedMs = Date.parse('0001-01-01T00:00:00Z');
const endDatedMs = Date.UTC(10_000, 0, 1);

/**
 * The next rows of one table, with the offsets that they take the ledger to. They are held as the Avro bytes that they came
 * as, and decoded again for the file that they go into: decoded rows take several times as much memory.
 */
export class MicroBatch {
  readonly openedMs = Date.now();
  /** Its age has come. */
  isDue = false;
  /** What it takes in memory. */
  bytes = 0;
  skipped = 0;
  readonly refused: Refusal[] = [];
  /** When the oldest event of each fetched range was accepted, epoch milliseconds. */
  readonly acceptedMs: number[] = [];
  /** Partition → its newest event time. */
  readonly newestMs = new Map<number, number>();
  readonly #feed: Feed;
  readonly #held = new HeldRecords();
  /** Of each row; NaN where it has none that a date can be made of. */
  readonly #eventTimesMs: number[] = [];
  readonly #windows = new Set<number>();
  readonly #ranges = new Map<number, { fromOffset: number; nextOffset: number; rows: number }>();

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  get rows(): number {
    return this.#eventTimesMs.length;
  }

  /** Takes the partition's range on; `fromOffset`: what the ledger says before this micro-batch. */
  advance(partition: number, fromOffset: number, nextOffset: number): void {
    const range = this.#ranges.get(partition);
    if (range) range.nextOffset = nextOffset;
    else this.#ranges.set(partition, { fromOffset, nextOffset, rows: 0 });
  }

  /** @returns the bytes that it holds more than before */
  add(partition: number, outcome: Outcome): number {
    if (outcome.kind === 'drop') {
      this.skipped += 1;
      return 0;
    }
    const { input } = outcome;
    let added = rowBytes;
    if (outcome.kind === 'deadLetter') {
      this.refused.push({ ...outcome, partition });
      added = refusalBytes + (input.key?.length ?? 0) + (input.value?.length ?? 0);
    } else {
      added += this.#held.add(partition, { ...input, key: null, headers: {} });
      this.#note(partition, outcome.record);
    }
    this.bytes += added;
    return added;
  }

  #note(partition: number, record: EventRecord): void {
    const eventTimeMs = this.#feed.eventTimeMs(record);
    const isDated = eventTimeMs !== null && eventTimeMs >= firstDatedMs && eventTimeMs < endDatedMs;
    this.#eventTimesMs.push(isDated ? eventTimeMs : Number.NaN);
    this.#windows.add(isDated ? Math.floor(eventTimeMs / windowMs) : Number.NaN);
    if (isDated) {
      this.newestMs.set(
        partition,
        Math.max(this.newestMs.get(partition) ?? Number.NEGATIVE_INFINITY, eventTimeMs),
      );
    }
    const range = this.#ranges.get(partition);
    if (range) range.rows += 1;
  }

  /** After its last use: it has landed, or never will. */
  release(): void {
    this.#held.release();
  }

  ranges(): LedgerRange[] {
    const { topic } = this.#feed;
    return [...this.#ranges]
      .map(([partition, range]) => ({ topic, partition, ...range }))
      .sort((a, b) => a.partition - b.partition);
  }

  /**
   * The files that it makes: one for each window; with more windows than `maxWindows`, one for each date, so that a month
   * of history makes as many files as it has days, and not thousands of tiny ones. Rows lie in the order of event time.
   */
  files(encoder: ParquetEncoder, maxWindows: number): PlannedFile[] {
    const groupMs = this.#windows.size > maxWindows ? dayMs : windowMs;
    const times = this.#eventTimesMs;
    const groups = new Map<number, number[]>();
    for (let row = 0; row < times.length; row++) {
      const start = Math.floor(times[row]! / groupMs) * groupMs;
      const group = groups.get(start);
      if (group) group.push(row);
      else groups.set(start, [row]);
    }
    return [...groups]
      .sort(([a], [b]) => orLast(a) - orLast(b))
      .flatMap(([startMs, rows]) => {
        rows.sort((a, b) => (times[a]! || 0) - (times[b]! || 0) || a - b);
        const isDated = !Number.isNaN(startMs);
        return this.#inFiles(rows).map((fileRows) => ({
          partitionValues: { date: isDated ? new Date(startMs).toISOString().slice(0, 10) : null },
          namePrefix: isDated ? compactTime(startMs) : 'undated',
          encode: async () => encoder.encode(this.#columnsOf(fileRows)),
        }));
      });
  }

  #inFiles(rows: number[]): number[][] {
    const files: number[][] = [];
    let from = 0;
    let bytes = 0;
    for (const [index, row] of rows.entries()) {
      bytes += this.#held.valueBytesOf(row);
      if (bytes < maxFileAvroBytes) continue;
      files.push(rows.slice(from, index + 1));
      from = index + 1;
      bytes = 0;
    }
    if (from === 0) return [rows];
    if (from < rows.length) files.push(rows.slice(from));
    return files;
  }

  #columnsOf(rows: number[]): ColumnBatch {
    const { fields, schema, topic, decodeAgain } = this.#feed;
    const columns = schema.columns.map(() => new Array<ColumnValue>(rows.length).fill(null));
    const isText = schema.columns.map(({ type }) => type === 'string');
    const ledger = fields.length;
    for (const [at, row] of rows.entries()) {
      const record = decodeAgain(this.#held.valueOf(row) ?? noBytes);
      for (let index = 0; index < ledger; index++) {
        const value = record[fields[index]!];
        columns[index]![at] = isText[index] ? textOf(value) : cellOf(value);
      }
      columns[ledger]![at] = topic;
      columns[ledger + 1]![at] = this.#held.partitionOf(row);
      columns[ledger + 2]![at] = this.#held.offsetOf(row);
      columns[ledger + 3]![at] = this.openedMs;
    }
    return { schema, rowCount: rows.length, columns };
  }
}

const noBytes = Buffer.alloc(0);
const dayMs = 86_400_000;

/** Rows without a date come after all others. */
function orLast(startMs: number): number {
  return Number.isNaN(startMs) ? endDatedMs : startMs;
}

/** `20130101T0010` */
function compactTime(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replaceAll(/[-:]/g, '');
}

function cellOf(value: unknown): ColumnValue {
  return value === undefined ? null : (value as ColumnValue);
}

/** Maps, arrays, records and unions of several types are kept as JSON text. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
