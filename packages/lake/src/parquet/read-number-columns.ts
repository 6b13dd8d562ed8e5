import { WindrowError } from '@windrow/runtime';
import { parquetMetadata } from 'hyparquet';
import { columnNames } from './nested-as-read.ts';
import { readColumnChunks } from './read-column-chunks.ts';

/** Rounded down. Files from before Windrow wrote microseconds have milliseconds. */
const parsers = {
  timestampFromMilliseconds: (ms: bigint) => Number(ms),
  timestampFromMicroseconds: (us: bigint) => flooredQuotient(us, 1_000n),
  timestampFromNanoseconds: (ns: bigint) => flooredQuotient(ns, 1_000_000n),
};

function flooredQuotient(dividend: bigint, divisor: bigint): number {
  const quotient = Number(dividend / divisor);
  return dividend < 0n && dividend % divisor !== 0n ? quotient - 1 : quotient;
}

/**
 * Reads columns of numbers and timestamps (as epoch milliseconds) from a Parquet file, in the order of `names`. Nulls and
 * columns that the file lacks are NaN. Integers beyond 2^53 are rounded.
 * @throws WindrowError LAKE_LOG_INVALID for a file that can't be read, or whose columns have values of other types
 */
export async function readNumberColumns(
  bytes: Uint8Array,
  names: readonly string[],
  source: string,
): Promise<Float64Array[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  try {
    const metadata = parquetMetadata(file);
    const present = new Set(columnNames(metadata));
    const read: Float64Array[] = [];
    for (const name of names) {
      const values = new Float64Array(Number(metadata.num_rows)).fill(Number.NaN);
      if (present.has(name)) {
        await readColumnChunks(name, { file, metadata, parsers }, (chunk, rowStart) => {
          for (let row = 0; row < chunk.length; row++) {
            const value = chunk[row];
            if (value !== null && value !== undefined) values[rowStart + row] = numberOf(value, name);
          }
        });
      }
      read.push(values);
    }
    return read;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WindrowError('LAKE_LOG_INVALID', `${source} can't be read: ${reason}`, { cause });
  }
}

function numberOf(value: unknown, column: string): number {
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof Date) return Number(value);
  throw new RangeError(`column ${column} has values that are no numbers`);
}
