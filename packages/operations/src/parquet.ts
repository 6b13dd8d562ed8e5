import { zstdDecompressSync } from 'node:zlib';
import { exactRows, type ObjectStore } from '@windrow/lake';
import { WindrowError } from '@windrow/runtime';
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';

const maxDateMs = 8_640_000_000_000_000n;
const dayMs = 86_400_000;

// Without the option, it would leave out U+FEFF at the begin of a text.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * A time that a Date would round or can't hold is a bigint: microseconds. Files of former versions have milliseconds. Likewise, a date
 * that a Date can't hold is the number of days since 1970.
 */
const parsers = {
  timestampFromMicroseconds: (us: bigint): Date | bigint =>
    us % 1_000n === 0n && isDate(us / 1_000n) ? new Date(Number(us / 1_000n)) : us,
  timestampFromMilliseconds: (ms: bigint): Date | bigint => (isDate(ms) ? new Date(Number(ms)) : ms * 1_000n),
  dateFromDays: (days: number): Date | number =>
    isDate(BigInt(days) * BigInt(dayMs)) ? new Date(days * dayMs) : days,
  stringFromBytes: (bytes: Uint8Array): string => decoder.decode(bytes),
};

const isDate = (ms: bigint): boolean => ms >= -maxDateMs && ms <= maxDateMs;

/** Codecs that hyparquet lacks. It reads Snappy and uncompressed pages itself. */
const compressors = { ZSTD: (input: Uint8Array): Uint8Array => zstdDecompressSync(input) };

/**
 * Reads these columns of all rows of a Parquet file: 64-bit integers as bigint, decimals as unscaled
 * integers or bytes, timestamps as Date, or as bigint with the microseconds where a Date would round or end. Dates are Date, or
 * the number of days where a Date would end. Structs are objects, lists arrays, maps lists of entries with `key` and `value`.
 * @throws WindrowError LAKE_LOG_INVALID when the object does not exist
 */
export async function readColumns(
  store: ObjectStore,
  key: string,
  columns: string[],
): Promise<Record<string, unknown>[]> {
  const bytes = await store.get(key);
  if (!bytes) throw missing(store, key);
  const file = bufferOf(bytes);
  const { metadata, complete } = exactRows(await parquetMetadataAsync(file));
  const rows = await parquetReadObjects({ file, metadata, columns, compressors, parsers, utf8: false });
  complete(rows);
  return rows;
}

const rowsAtOnce = 10_000;

/**
 * Reads these columns in batches of rows, with values as of `readColumns`. If the file has a page index, only the pages of a batch are decoded at once.
 * @throws WindrowError LAKE_LOG_INVALID when the object does not exist
 */
export async function* readRows(
  store: ObjectStore,
  key: string,
  columns: string[],
): AsyncGenerator<Record<string, unknown>[]> {
  const bytes = await store.get(key);
  if (!bytes) throw missing(store, key);
  const file = bufferOf(bytes);
  const { metadata, complete } = exactRows(await parquetMetadataAsync(file));
  for (let rowStart = 0; rowStart < Number(metadata.num_rows); rowStart += rowsAtOnce) {
    const rowEnd = Math.min(Number(metadata.num_rows), rowStart + rowsAtOnce);
    const rows = await parquetReadObjects({
      ...{ file, metadata, columns, rowStart, rowEnd, compressors, parsers, utf8: false },
      useOffsetIndex: true,
    });
    complete(rows);
    yield rows;
  }
}

/** A column of a Parquet file. */
export interface ParquetColumn {
  /** The unit of a timestamp: MILLIS, MICROS or NANOS. */
  unit?: string;
  /** The decimal places of a decimal. */
  scale?: number;
}

/** Rows with the values as they are stored: timestamps and decimals as integers or bytes, texts as bytes. Nested ones as of `readColumns`. */
export interface StoredRows {
  /** The requested columns that the file has. */
  columns: ReadonlyMap<string, ParquetColumn>;
  /** Requested columns that are lists, maps or records in the file. */
  nested: ReadonlySet<string>;
  rows: Record<string, unknown>[];
}

/**
 * Reads columns without converting their values, in batches of rows.
 * @throws WindrowError LAKE_LOG_INVALID when the object does not exist
 */
export async function* readStoredRows(
  store: ObjectStore,
  key: string,
  names: readonly string[],
): AsyncGenerator<StoredRows> {
  const bytes = await store.get(key);
  if (!bytes) throw missing(store, key);
  const file = bufferOf(bytes);
  const metadata = await parquetMetadataAsync(file);
  const exactly = exactRows(await parquetMetadataAsync(file));
  const columns = new Map<string, ParquetColumn>();
  const nested = new Set<string>();
  const wanted = new Set(names);
  const isTopLevel = topLevel(metadata.schema);
  for (const [index, element] of metadata.schema.entries()) {
    const { name, type, logical_type: logical, converted_type: converted, scale } = element;
    if (!isTopLevel[index] || !wanted.has(name)) continue;
    if (type === undefined) {
      nested.add(name);
      columns.set(name, {});
      continue;
    }
    const unit = logical?.type === 'TIMESTAMP' ? logical.unit : /^TIMESTAMP_(.*)$/.exec(converted ?? '')?.[1];
    const isDecimal = converted === 'DECIMAL' || logical?.type === 'DECIMAL';
    columns.set(name, { ...(unit !== undefined && { unit }), ...(isDecimal && { scale: scale ?? 0 }) });
    delete element.logical_type;
    delete element.converted_type;
  }
  for (let rowStart = 0; rowStart < Number(metadata.num_rows); rowStart += rowsAtOnce) {
    const rowEnd = Math.min(Number(metadata.num_rows), rowStart + rowsAtOnce);
    const options = { file, rowStart, rowEnd, compressors, utf8: false, useOffsetIndex: true };
    const rows = await parquetReadObjects({
      ...{ ...options, metadata },
      columns: [...columns.keys()].filter((name) => !nested.has(name)),
    });
    if (nested.size > 0) {
      const exact = { ...options, metadata: exactly.metadata, parsers, columns: [...nested] };
      const values = await parquetReadObjects(exact);
      exactly.complete(values);
      for (const [index, row] of rows.entries()) Object.assign(row, values[index]);
    }
    yield { columns, nested, rows };
  }
}

/** Whether each element of a schema is a child of its root. */
function topLevel(schema: readonly { num_children?: number }[]): boolean[] {
  const flags: boolean[] = [];
  const open: number[] = [];
  for (const { num_children: children = 0 } of schema) {
    flags.push(open.length === 1);
    const last = open.length - 1;
    if (last >= 0) open[last] = (open[last] ?? 0) - 1;
    if (children > 0) open.push(children);
    while (open.length > 0 && open.at(-1) === 0) open.pop();
  }
  return flags;
}

const missing = (store: ObjectStore, key: string) =>
  new WindrowError('LAKE_LOG_INVALID', `${store.url(key)} does not exist, but the log of the table names it`);

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): AsyncBuffer {
  return {
    byteLength,
    slice: (start, end = byteLength) => buffer.slice(byteOffset + start, byteOffset + end) as ArrayBuffer,
  };
}
