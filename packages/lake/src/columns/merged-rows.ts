import { unscaledBytes, unscaledOf } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import { parquetMetadata } from 'hyparquet';
import { columnNames, nestedValue, withoutContainers } from '../parquet/nested-as-read.ts';
import type { FileRows } from '../parquet/parquet-encoder.ts';
import { readColumnChunks } from '../parquet/read-column-chunks.ts';
import { withoutDecimals } from '../parquet/without-decimals.ts';
import type { TableSchema } from '../table-schema.ts';
import { type Column, ColumnBuffers } from './column-buffers.ts';
import type { ScalarColumn } from './scalar-column.ts';
import type { AppendScalar } from './shredder.ts';

/** Decoding this many values takes some milliseconds. */
const valuesPerPause = 20_000;

/** The rows of several files of a table, to be sorted and written as one file. */
export class MergedRows {
  readonly #buffers: ColumnBuffers;
  #valuesSincePause = 0;

  constructor(schema: TableSchema) {
    this.#buffers = new ColumnBuffers(schema);
  }

  get rowCount(): number {
    return this.#buffers.rowCount;
  }

  /**
   * Appends all rows of a Parquet file. Columns that the file lacks become null. It calls `pause` from time to time, between
   * two columns, so that other work can run.
   * @throws WindrowError LAKE_LOG_INVALID for a file that can't be read, or that has values which would be lost
   */
  async add(bytes: Uint8Array, source: string, pause: () => Promise<void>): Promise<void> {
    const file = arrayBufferOf(bytes);
    try {
      const metadata = withoutDecimals(parquetMetadata(file));
      const groups = withoutContainers(metadata);
      const rows = Number(metadata.num_rows);
      const present = new Set(columnNames(metadata));
      const { columns, schema } = this.#buffers;
      const before = this.rowCount;
      const known = new Set(schema.columns.map(({ name }) => name));
      const unknown = [...present].find((name) => !known.has(name));
      if (unknown !== undefined) throw new RangeError(`the table has no column ${unknown}`);
      for (const [index, { name, type }] of schema.columns.entries()) {
        const column = columns[index]!;
        if (present.has(name)) {
          const options = {
            ...{ file, utf8: false, metadata: typeof type === 'object' ? groups : metadata },
            parsers: type === 'timestamp' || typeof type === 'object' ? timestampParsers : parsers,
          };
          await readColumnChunks(name, options, (chunk) => {
            column.reserve(column.rows + chunk.length);
            for (let row = 0; row < chunk.length; row++) append(column, chunk[row], name);
          });
          this.#valuesSincePause += rows;
          if (this.#valuesSincePause >= valuesPerPause) {
            this.#valuesSincePause = 0;
            await pause();
          }
        } else column.appendNulls(rows);
        if (column.rows !== before + rows)
          throw new RangeError(`column ${name} has ${column.rows - before} values for ${rows} rows`);
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new WindrowError('LAKE_LOG_INVALID', `${source} can't be rewritten: ${reason}`, { cause });
    }
  }

  /**
   * All rows, sorted ascending by these columns, nulls first. Columns that the table lacks, and text, binary and nested ones, are
   * ignored.
   */
  inOrderOf(names: readonly string[]): FileRows {
    const { columns, rowCount, schema } = this.#buffers;
    const keys = names.flatMap((name) => {
      const index = schema.columns.findIndex((column) => column.name === name);
      return index < 0 ? [] : (sortKey(columns[index]!) ?? []);
    });
    const order = Uint32Array.from({ length: rowCount }, (_, row) => row).sort((a, b) => {
      for (const key of keys) {
        const [before, after] = [key[a]!, key[b]!];
        if (before !== after) return before < after ? -1 : 1;
      }
      return a - b;
    });
    return { buffers: this.#buffers, order };
  }
}

/** Appends a value that hyparquet has read. */
function append(column: Column, value: unknown, name: string): void {
  if (value === null || value === undefined) column.appendNull();
  else if (column.kind === 'nested') {
    if (!column.append(nestedValue(column.type, value), appendScalar)) throw otherType(name);
  } else if (!appendedScalar(column, value)) throw otherType(name);
}

const appendScalar: AppendScalar = (_type, column, value) => appendedScalar(column, value);

function otherType(name: string): RangeError {
  return new RangeError(`column ${name} has another type in the file`);
}

/** Returns false, with nothing appended, when the column can't hold the value. */
function appendedScalar(column: ScalarColumn, value: unknown): boolean {
  const { kind } = column;
  if (kind === 'bytes' && (typeof value === 'string' || value instanceof Uint8Array))
    column.append(column.fixedBytes === undefined ? value : resized(value as Uint8Array, column.fixedBytes));
  else if (kind === 'int64' && (typeof value === 'number' || typeof value === 'bigint')) column.append(value);
  else if (kind === 'int32' && typeof value === 'number' && (value | 0) === value) column.append(value);
  else if ((kind === 'float32' || kind === 'float64') && typeof value === 'number') column.append(value);
  else if (kind === 'boolean' && typeof value === 'boolean') column.append(value);
  else return false;
  return true;
}

/** A decimal of another engine's length. */
function resized(value: Uint8Array, size: number): Uint8Array {
  return value.length === size ? value : unscaledBytes(unscaledOf(value), size);
}

/** A number for each row to sort by: rounded beyond 2^53, and nulls first. */
function sortKey(column: Column): Float64Array | undefined {
  if (column.kind === 'bytes' || column.kind === 'nested') return undefined;
  const key = new Float64Array(column.rows);
  for (let row = 0; row < key.length; row++) {
    const value = column.kind === 'int64' ? column.numberAt(row) : column.values[row]!;
    key[row] = column.present[row] === 1 ? value : Number.NEGATIVE_INFINITY;
  }
  return key;
}

/** The number of rows according to the Parquet file's footer. */
export function rowsInFile(bytes: Uint8Array): number {
  return Number(parquetMetadata(arrayBufferOf(bytes)).num_rows);
}

/** The bytes' buffer; a copy when the bytes are only a part of it. */
function arrayBufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  if (byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

/** Text stays bytes, dates stay days. */
const parsers = {
  stringFromBytes: (bytes: Uint8Array) => bytes,
  dateFromDays: (days: number) => days,
};

/**
 * Timestamps become microseconds. Windrow's files of former versions have milliseconds, and other engines write nanoseconds, of
 * which a time that isn't a whole number of microseconds is an error, because it would be rounded.
 */
const timestampParsers = {
  ...parsers,
  timestampFromMilliseconds: (ms: bigint) => inRange(ms * 1_000n),
  timestampFromMicroseconds: (us: bigint) => us,
  timestampFromNanoseconds(ns: bigint) {
    if (ns % 1_000n !== 0n) throw new RangeError('it has timestamps that are not whole microseconds');
    return ns / 1_000n;
  },
};

function inRange(us: bigint): bigint {
  if (BigInt.asIntN(64, us) !== us) throw new RangeError('it has timestamps that microseconds cannot hold');
  return us;
}
