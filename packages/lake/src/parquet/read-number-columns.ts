import { WindrowError } from '@windrow/runtime';
import { parquetMetadata, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

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
 * @throws WindrowError LAKE_LOG_INVALID for a file that can't be read
 */
export async function readNumberColumns(
  bytes: Uint8Array,
  names: readonly string[],
  source: string,
): Promise<Float64Array[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  try {
    const metadata = parquetMetadata(file);
    const present = new Set(metadata.schema.slice(1).map(({ name }) => name));
    const read: Float64Array[] = [];
    for (const name of names) {
      const values = new Float64Array(Number(metadata.num_rows)).fill(Number.NaN);
      if (present.has(name)) {
        const onChunk = ({ columnData, rowStart }: { columnData: ArrayLike<unknown>; rowStart: number }) => {
          for (let row = 0; row < columnData.length; row++) {
            const value = columnData[row];
            if (value !== null && value !== undefined) values[rowStart + row] = Number(value);
          }
        };
        await parquetRead({ file, metadata, columns: [name], compressors, parsers, onChunk });
      }
      read.push(values);
    }
    return read;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WindrowError('LAKE_LOG_INVALID', `${source} can't be read: ${reason}`, { cause });
  }
}
