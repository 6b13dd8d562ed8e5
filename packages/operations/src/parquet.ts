import { zstdDecompressSync } from 'node:zlib';
import { type ObjectStore, withoutDecimals } from '@windrow/lake';
import { WindrowError } from '@windrow/runtime';
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';

const maxDateMs = 8_640_000_000_000_000n;

/** A time that a Date would round or can't hold is a bigint: microseconds. Files of former versions have milliseconds. */
const parsers = {
  timestampFromMicroseconds: (us: bigint): Date | bigint =>
    us % 1_000n === 0n && isDate(us / 1_000n) ? new Date(Number(us / 1_000n)) : us,
  timestampFromMilliseconds: (ms: bigint): Date | bigint => (isDate(ms) ? new Date(Number(ms)) : ms * 1_000n),
};

const isDate = (ms: bigint): boolean => ms >= -maxDateMs && ms <= maxDateMs;

/** Codecs that hyparquet lacks. It reads Snappy and uncompressed pages itself. */
const compressors = { ZSTD: (input: Uint8Array): Uint8Array => zstdDecompressSync(input) };

/**
 * Reads these columns of all rows of a Parquet file: 64-bit integers as bigint, decimals as unscaled
 * integers or bytes, timestamps as Date, or as bigint with the microseconds where a Date would round or end.
 * @throws WindrowError LAKE_LOG_INVALID when the object does not exist
 */
export async function readColumns(
  store: ObjectStore,
  key: string,
  columns: string[],
): Promise<Record<string, unknown>[]> {
  const bytes = await store.get(key);
  if (!bytes)
    throw new WindrowError(
      'LAKE_LOG_INVALID',
      `${store.url(key)} does not exist, but the log of the table names it`,
    );
  const file = bufferOf(bytes);
  const metadata = withoutDecimals(await parquetMetadataAsync(file));
  return parquetReadObjects({ file, metadata, columns, compressors, parsers });
}

const rowsAtOnce = 10_000;

/**
 * Reads these columns in batches of rows. If the file has a page index, only the pages of a batch are decoded at once.
 * @throws WindrowError LAKE_LOG_INVALID when the object does not exist
 */
export async function* readRows(
  store: ObjectStore,
  key: string,
  columns: string[],
): AsyncGenerator<Record<string, unknown>[]> {
  const bytes = await store.get(key);
  if (!bytes)
    throw new WindrowError(
      'LAKE_LOG_INVALID',
      `${store.url(key)} does not exist, but the log of the table names it`,
    );
  const file = bufferOf(bytes);
  const metadata = withoutDecimals(await parquetMetadataAsync(file));
  for (let rowStart = 0; rowStart < Number(metadata.num_rows); rowStart += rowsAtOnce) {
    const rowEnd = Math.min(Number(metadata.num_rows), rowStart + rowsAtOnce);
    yield parquetReadObjects({
      file,
      metadata,
      columns,
      rowStart,
      rowEnd,
      compressors,
      parsers,
      useOffsetIndex: true,
    });
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): AsyncBuffer {
  return {
    byteLength,
    slice: (start, end = byteLength) => buffer.slice(byteOffset + start, byteOffset + end) as ArrayBuffer,
  };
}
