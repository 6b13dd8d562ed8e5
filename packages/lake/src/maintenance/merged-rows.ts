import { WindrowError } from '@windrow/runtime';
import { parquetMetadata, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ColumnBatch, ColumnValue, TableSchema } from '../table-schema.ts';

/** Rows of several files of a table in columns, to be put in order and written as one. */
export class MergedRows {
  readonly #schema: TableSchema;
  readonly #columns: ColumnValue[][];
  #rowCount = 0;

  constructor(schema: TableSchema) {
    this.#schema = schema;
    this.#columns = schema.columns.map(() => []);
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /**
   * Takes in all rows of a Parquet file; a column that it lacks is null there. `pause` comes between two columns, so that other
   * work goes on.
   * @throws WindrowError LAKE_LOG_INVALID for a file that can't be read, or holds what would be lost
   */
  async add(bytes: Uint8Array, source: string, pause: () => Promise<void>): Promise<void> {
    const file = arrayBufferOf(bytes);
    try {
      const metadata = parquetMetadata(file);
      const rows = Number(metadata.num_rows);
      const present = new Set(metadata.schema.slice(1).map(({ name }) => name));
      const known = new Set(this.#schema.columns.map(({ name }) => name));
      const unknown = [...present].find((name) => !known.has(name));
      if (unknown !== undefined) throw new RangeError(`the table has no column ${unknown}`);
      for (const [index, { name, type }] of this.#schema.columns.entries()) {
        const column = this.#columns[index]!;
        if (present.has(name)) {
          const onChunk = ({ columnData }: { columnData: ArrayLike<unknown> }) => {
            for (let row = 0; row < columnData.length; row++) column.push(cell(columnData[row]));
          };
          const parsers = parsersOf(type === 'timestamp');
          await parquetRead({ file, metadata, columns: [name], compressors, utf8: false, parsers, onChunk });
          await pause();
        } else for (let row = 0; row < rows; row++) column.push(null);
        if (column.length !== this.#rowCount + rows)
          throw new RangeError(
            `column ${name} has ${column.length - this.#rowCount} values for ${rows} rows`,
          );
      }
      this.#rowCount += rows;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new WindrowError('LAKE_LOG_INVALID', `${source} can't be compacted: ${reason}`, { cause });
    }
  }

  /** All rows in ascending order of these columns, the first one first, nulls before values. */
  inOrderOf(names: readonly string[]): ColumnBatch {
    const keys = names.flatMap((name) => {
      const index = this.#schema.columns.findIndex((column) => column.name === name);
      return index < 0 ? [] : [this.#columns[index]!];
    });
    const order = Uint32Array.from({ length: this.#rowCount }, (_, row) => row).sort((a, b) => {
      for (const key of keys) {
        const difference = compare(key[a]!, key[b]!);
        if (difference !== 0) return difference;
      }
      return a - b;
    });
    const columns = this.#columns.map((column) => Array.from(order, (row) => column[row]!));
    return { schema: this.#schema, rowCount: this.#rowCount, columns };
  }
}

/** The number of rows that a Parquet file's footer tells. */
export function rowsInFile(bytes: Uint8Array): number {
  return Number(parquetMetadata(arrayBufferOf(bytes)).num_rows);
}

/** A copy where the bytes are a view into something larger. */
function arrayBufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  if (byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

/** Times as the encoders take them. Other engines write microseconds; what is finer than a millisecond would be lost. */
function parsersOf(isTimestamp: boolean) {
  if (!isTimestamp) return { dateFromDays: (days: number) => days };
  const whole = (time: bigint, perMillisecond: bigint) => {
    if (time % perMillisecond !== 0n) throw new RangeError('it holds times finer than a millisecond');
    return Number(time / perMillisecond);
  };
  return {
    timestampFromMilliseconds: (ms: bigint) => Number(ms),
    timestampFromMicroseconds: (us: bigint) => whole(us, 1_000n),
    timestampFromNanoseconds: (ns: bigint) => whole(ns, 1_000_000n),
  };
}

function cell(value: unknown): ColumnValue {
  return value === undefined ? null : (value as ColumnValue);
}

function compare(a: ColumnValue, b: ColumnValue): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
