import type { CuratedMapping, EventRecord } from '@windrow/contracts';
import { ByteSink, type FieldWriter, UnsendableValue } from './binary-fields.ts';
import { fieldWriter, hasMicros } from './typed-fields.ts';

/** COPY's binary signature, no flags, no header extension. */
const signature = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const trailer = Buffer.from([0xff, 0xff]);
const dayMs = 86_400_000;
/** Days whose start and end have a year of four digits, as the bounds of partitions are written. */
const firstDay = Date.parse('0001-01-01T00:00:00Z') / dayMs;
const lastDay = Date.parse('9999-12-30T00:00:00Z') / dayMs;

interface Column {
  name: string;
  field: string;
  write: FieldWriter;
}

/**
 * Rows of one table in COPY's binary format, in the order in which they were added. The staging table has the columns of the
 * mapping after `row_number integer`, which keeps that order.
 */
export class CopyRows {
  /** UTC days (since the epoch) of the partition column's values. */
  readonly days = new Set<number>();
  readonly #columns: Column[];
  readonly #dayField: string | undefined;
  /** A day in the unit of the field. */
  readonly #perDay: number;
  readonly #sink = new ByteSink(65_536);
  /** The position after each row. */
  readonly #ends: number[] = [];

  constructor(mapping: CuratedMapping) {
    this.#columns = mapping.columns.map(({ name, field, type, avro }) => ({
      name,
      field,
      write: fieldWriter(type, avro),
    }));
    const times = mapping.columns.find(({ name }) => name === mapping.partitionByDay);
    this.#dayField = times?.field;
    this.#perDay = hasMicros(times?.avro) ? dayMs * 1_000 : dayMs;
  }

  get count(): number {
    return this.#ends.length;
  }

  get bytes(): number {
    return this.#sink.length;
  }

  /** Adds a row. @returns null, or why this record can't be a row; then nothing was added */
  add(record: EventRecord): string | null {
    const sink = this.#sink;
    const start = sink.length;
    const day = this.#dayOf(record);
    if (day !== null && !(day >= firstDay && day <= lastDay)) return 'its day is not in the years 1 to 9999';
    sink.reserve(10);
    sink.length = sink.bytes.writeInt16BE(this.#columns.length + 1, sink.length);
    sink.length = sink.bytes.writeInt32BE(4, sink.length);
    sink.length = sink.bytes.writeInt32BE(this.#ends.length, sink.length);
    for (const { name, field, write } of this.#columns) {
      const value = record[field];
      if (value === null || value === undefined) {
        sink.reserve(4);
        sink.length = sink.bytes.writeInt32BE(-1, sink.length);
        continue;
      }
      try {
        write(sink, value);
      } catch (error) {
        if (!(error instanceof UnsendableValue)) throw error;
        sink.length = start;
        return `${name}: ${error.message}`;
      }
    }
    this.#ends.push(sink.length);
    if (day !== null) this.days.add(day);
    return null;
  }

  #dayOf(record: EventRecord): number | null {
    if (this.#dayField === undefined) return null;
    const value = record[this.#dayField];
    // Postgres rejects a row without a time.
    return typeof value === 'number' || typeof value === 'bigint'
      ? Math.floor(Number(value) / this.#perDay)
      : null;
  }

  /** The rows `from ≤ row < to` as a complete COPY stream. */
  stream(from = 0, to = this.count): Buffer[] {
    const begin = from === 0 ? 0 : (this.#ends[from - 1] ?? 0);
    const end = to === 0 ? 0 : (this.#ends[to - 1] ?? 0);
    return [signature, this.#sink.bytes.subarray(begin, end), trailer];
  }
}
