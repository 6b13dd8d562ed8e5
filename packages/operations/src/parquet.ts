import { zstdDecompressSync } from 'node:zlib';
import type { ObjectStore } from '@windrow/lake';
import { WindrowError } from '@windrow/runtime';
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';

/** Snappy and uncompressed pages are read by hyparquet itself. */
const compressors = { ZSTD: (input: Uint8Array): Uint8Array => zstdDecompressSync(input) };

/**
 * The rows of one Parquet file with these columns: timestamps as Date, 64-bit integers as bigint.
 * @throws WindrowError LAKE_LOG_INVALID when the object is not there
 */
export async function readColumns(
  store: ObjectStore,
  key: string,
  columns: string[],
): Promise<Record<string, unknown>[]> {
  const bytes = await store.get(key);
  if (!bytes)
    throw new WindrowError('LAKE_LOG_INVALID', `${store.url(key)} is named by the table's log and is gone`);
  return parquetReadObjects({ file: bufferOf(bytes), columns, compressors });
}

const rowsAtOnce = 10_000;

/**
 * Likewise, some rows at a time: only the pages that hold them are decoded, where the file has a page index.
 * @throws WindrowError LAKE_LOG_INVALID when the object is not there
 */
export async function* readRows(
  store: ObjectStore,
  key: string,
  columns: string[],
): AsyncGenerator<Record<string, unknown>[]> {
  const bytes = await store.get(key);
  if (!bytes)
    throw new WindrowError('LAKE_LOG_INVALID', `${store.url(key)} is named by the table's log and is gone`);
  const file = bufferOf(bytes);
  const metadata = await parquetMetadataAsync(file);
  for (let rowStart = 0; rowStart < Number(metadata.num_rows); rowStart += rowsAtOnce) {
    const rowEnd = Math.min(Number(metadata.num_rows), rowStart + rowsAtOnce);
    yield parquetReadObjects({
      file,
      metadata,
      columns,
      rowStart,
      rowEnd,
      compressors,
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
