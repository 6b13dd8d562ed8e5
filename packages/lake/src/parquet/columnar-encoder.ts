import type { RowGroup, SchemaElement } from 'hyparquet';
import { type ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { BytesColumn } from '../columns/bytes-column.ts';
import type { ColumnBuffers } from '../columns/column-buffers.ts';
import { leafTypes } from '../columns/leaf-types.ts';
import type { NestedColumn } from '../columns/nested-column.ts';
import { NestedLeaf } from '../columns/nested-leaf.ts';
import type { ScalarColumn } from '../columns/scalar-column.ts';
import { wrongValue } from '../columns/wrong-value.ts';
import type { TableSchema } from '../table-schema.ts';
import { ChunkBuffers } from './chunk-buffers.ts';
import { type ColumnSummary, fileStats, mergeBounds } from './column-bounds.ts';
import { type EncodingScratch, type FileLeaf, writeColumnChunk } from './column-chunk.ts';
import { FileBufferPool } from './file-buffer-pool.ts';
import { fileOrder } from './file-order.ts';
import { columnIndex } from './footer-statistics.ts';
import { gatherChunk, gatherLeaf } from './gather-chunk.ts';
import { PageBuffer } from './page-buffer.ts';
import type { EncodedFile, FileRows, ParquetEncoder } from './parquet-encoder.ts';
import { schemaElements } from './schema-elements.ts';
import { ZstdCompressor } from './zstd.ts';

/** A row group ends at whichever limit it reaches first. Readers hold a whole row group in memory. */
const maxRowGroupRows = 131_072;
const maxRowGroupBytes = 64 * 2 ** 20;
const createdBy = 'windrow';

/**
 * Encodes column buffers to Parquet pages without making rows. It writes the pages itself, and the footer with
 * hyparquet-writer. Memory: the finished file (twice while a file grows beyond its expected size) and the values of one column
 * chunk. The memory is reused for the next file.
 */
export function createColumnarEncoder(): ParquetEncoder {
  const scratch = { page: new PageBuffer(), zstd: new ZstdCompressor(), chunk: new ChunkBuffers() };
  const room = new FileBufferPool();
  return {
    name: 'columnar',
    encode: (rows) => new Promise((resolve) => resolve(encode(rows, scratch, room))),
  };
}

function encode(rows: FileRows, scratch: EncodingScratch, room: FileBufferPool): EncodedFile {
  const { buffers } = rows;
  const order = fileOrder(rows);
  const { schema } = buffers;
  const elements = schemaElements(schema);
  const leaves = fileLeaves(schema, elements);
  assertNoNulls(buffers, order);
  const file = room.writer(2 ** 16 + order.length * bytesPerRow(rows.buffers));
  const parquet = new ParquetWriter({
    writer: file,
    schema: elements,
    createdBy,
    // The bounds in the metadata are truncated already.
    statisticsTruncateLength: Number.POSITIVE_INFINITY,
  });
  scratch.chunk.reserve(Math.min(order.length, maxRowGroupRows));
  const summaries: ColumnSummary[] = leaves.map(() => ({ bounds: undefined, nullCount: 0 }));
  for (let from = 0; from < order.length; ) {
    const to = rowGroupEnd({ buffers, order }, from);
    parquet.row_groups.push(
      writeRowGroup(parquet, file, scratch, { buffers, order: order.subarray(from, to) }, leaves, summaries),
    );
    from = to;
  }
  parquet.num_rows = BigInt(order.length);
  parquet.finish();
  const bytes = file.getBytes();
  if (order.length === 0) typeEmptyRowGroups(bytes);
  return {
    bytes,
    stats: fileStats(leaves, order.length, summaries),
    giveBack: () => room.take(file),
  };
}

/**
 * Sets the element type of an empty list of row groups. hyparquet-writer writes an empty list without an element type, and
 * Rust's Parquet (delta-rs, DataFusion) rejects a list of row groups whose elements aren't structs. In Thrift's compact
 * protocol, a list's header byte is its length and element type. The field header is before it, and `created_by` after it:
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
function typeEmptyRowGroups(file: Uint8Array): void {
  const [listField, untyped, struct, textField] = [0x19, 0x00, 0x0c, 0x28];
  const text = Buffer.from(createdBy);
  const footer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const at = footer.lastIndexOf(Buffer.from([listField, untyped, textField, text.length, ...text]));
  if (at < 0) throw new TypeError('the footer has no empty list of row groups');
  footer[at + 1] = struct;
}

/** @param summaries is updated in place with the statistics of the group */
function writeRowGroup(
  parquet: ParquetWriter,
  file: ByteWriter,
  scratch: EncodingScratch,
  { buffers, order }: Required<FileRows>,
  leaves: readonly FileLeaf[],
  summaries: ColumnSummary[],
): RowGroup {
  const start = file.offset;
  let uncompressedBytes = 0n;
  const sources = buffers.columns.flatMap((column): (ScalarColumn | NestedLeaf)[] =>
    column.kind === 'nested' ? [...column.leaves] : [column],
  );
  const chunks = leaves.map((leaf, index) => {
    const offset = file.offset;
    const source = sources[index]!;
    const entries =
      source instanceof NestedLeaf
        ? gatherLeaf(source, order, scratch.chunk)
        : gatherChunk(source, order, scratch.chunk);
    const chunkOfLeaf = writeColumnChunk(file, scratch, leaf, entries, order.length);
    const { bloomFilter, bounds, metadata, nullCount, pages } = chunkOfLeaf;
    uncompressedBytes += metadata.total_uncompressed_size;
    const before = summaries[index]!;
    summaries[index] = {
      bounds: mergeBounds(before.bounds, bounds),
      nullCount: before.nullCount + nullCount,
    };
    const chunk = { file_offset: BigInt(offset), meta_data: metadata };
    const pageBounds = columnIndex(leaf.type, pages);
    parquet.pendingIndexes.push({
      chunk,
      offsetIndex: { page_locations: pages.map(({ location }) => location) },
      ...(pageBounds && { columnIndex: pageBounds }),
      ...(bloomFilter && { bloomFilter: bloomFilter.words }),
    });
    return chunk;
  });
  return {
    columns: chunks,
    num_rows: BigInt(order.length),
    total_byte_size: uncompressedBytes,
    total_compressed_size: BigInt(file.offset - start),
    file_offset: BigInt(start),
  };
}

/** The leaves of a file's schema, in its order. */
function fileLeaves(
  { columns, idColumns = [] }: TableSchema,
  elements: readonly SchemaElement[],
): FileLeaf[] {
  const leafElements = elements.filter(({ type }) => type !== undefined);
  return columns.flatMap(leafTypes).map((leaf, index) => ({
    ...leaf,
    element: leafElements[index]!,
    isId: leaf.path.length === 1 && idColumns.includes(leaf.path[0]!),
  }));
}

/** @throws WindrowError ENCODE_FAILED naming a required column that has a null */
function assertNoNulls({ columns, schema }: ColumnBuffers, order: Uint32Array): void {
  for (const [index, column] of schema.columns.entries()) {
    const { present, rows } = columns[index]!;
    if (column.nullable || !present.subarray(0, rows).includes(0)) continue;
    if (order.some((row) => present[row] === 0)) throw wrongValue(column, null);
  }
}

function rowGroupEnd({ buffers, order }: Required<FileRows>, from: number): number {
  const end = Math.min(order.length, from + maxRowGroupRows);
  const long = buffers.columns.filter((column) => column.kind === 'bytes' || column.kind === 'nested');
  if (long.reduce((sum, column) => sum + mostBytes(column, end - from), 0) <= maxRowGroupBytes) return end;
  let bytes = 0;
  for (let at = from; at < end; at++) {
    for (const column of long) bytes += rowBytes(column, order[at]!);
    if (bytes > maxRowGroupBytes) return at + 1;
  }
  return end;
}

/** An upper limit of the bytes in this many values of a column. */
function mostBytes(column: BytesColumn | NestedColumn, rows: number): number {
  if (column.kind === 'nested') return column.usedBytes;
  const { count, isDictionary, starts } = column.entries;
  if (!isDictionary) return starts[count]!;
  let longest = 0;
  for (let code = 0; code < count; code++) longest = Math.max(longest, starts[code + 1]! - starts[code]!);
  return rows * longest;
}

/** The bytes of a row's values; of numbers, more than they need. */
function rowBytes(column: BytesColumn | NestedColumn, row: number): number {
  if (column.kind === 'bytes') return textBytes(column, row);
  let bytes = 0;
  for (const { starts, values } of column.leaves) {
    const [from, to] = [starts[row]!, starts[row + 1]!];
    if (values.kind !== 'bytes') bytes += 8 * (to - from);
    else for (let entry = from; entry < to; entry++) bytes += textBytes(values, entry);
  }
  return bytes;
}

function textBytes({ codes, entries: { starts }, present }: BytesColumn, row: number): number {
  if (present[row] === 0) return 0;
  const code = codes[row]!;
  return starts[code + 1]! - starts[code]!;
}

/** The expected bytes per row in the file. A larger file has to be copied when its buffer grows. */
function bytesPerRow({ rowCount, usedBytes }: ColumnBuffers): number {
  return rowCount === 0 ? 0 : Math.ceil(usedBytes / rowCount / 4);
}
