import type { ColumnMetaData, DataPageHeader, Encoding, SchemaElement } from 'hyparquet';
import type { ByteWriter } from 'hyparquet-writer';
import type { Column } from '../columns/column-buffers.ts';
import { wrongValue } from '../columns/wrong-value.ts';
import type { TableColumn } from '../table-schema.ts';
import type { BloomFilter } from './bloom-filter.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import type { ChunkValues } from './chunk-values.ts';
import { type ColumnSummary, mergeBounds } from './column-bounds.ts';
import { appendDeltas, deltaBits } from './delta-binary-packed.ts';
import type { Dictionary } from './dictionary.ts';
import { footerStatistics } from './footer-statistics.ts';
import { type Chunk, gatherChunk } from './gather-chunk.ts';
import { appendHybrid, appendRun } from './hybrid-runs.ts';
import { type PageSummary, writePage } from './page.ts';
import type { PageBuffer } from './page-buffer.ts';
import type { ZstdCompressor } from './zstd.ts';

/** Readers decompress whole pages, and skip whole pages by the page index. Long values make pages of fewer rows. */
const maxPageRows = 32_768;
const targetPageBytes = 2 ** 20;
/** Deltas are used when they take at most this share of the plain size: more isn't worth the work of readers. */
const maxDeltaShare = 3 / 4;
/** The overhead of an RLE run, in bits. */
const runBits = 16;

/** A written column chunk: one column of one row group. */
export interface ColumnChunk extends ColumnSummary {
  readonly metadata: ColumnMetaData;
  readonly pages: readonly PageSummary[];
  readonly bloomFilter: BloomFilter | undefined;
}

/** Memory that each chunk reuses. */
export interface EncodingScratch {
  readonly page: PageBuffer;
  readonly zstd: ZstdCompressor;
  readonly chunk: ChunkBuffers;
}

interface ChunkEncoding {
  readonly name: Encoding;
  readonly dictionary?: Dictionary;
  append(page: PageBuffer, from: number, to: number): void;
}

/**
 * Writes a column's rows to `file` as a column chunk: a dictionary page if it makes the chunk smaller, then data pages
 * (version 1, which every reader supports), each compressed with zstd level 1.
 * @param scratch is overwritten
 * @throws WindrowError ENCODE_FAILED naming the column
 */
export function writeColumnChunk(
  file: ByteWriter,
  { page, zstd, chunk: scratch }: EncodingScratch,
  { column, element, isId }: { column: TableColumn; element: SchemaElement; isId: boolean },
  buffer: Column,
  order: Uint32Array,
): ColumnChunk {
  const { levels, values } = gatherChunk(buffer, order, scratch);
  const nullCount = order.length - values.count;
  if (nullCount > 0 && !column.nullable) throw wrongValue(column, null);
  const encoding = encodingOf(values);
  const start = file.offset;
  let uncompressedBytes = 0;
  if (encoding.dictionary !== undefined) {
    page.clear();
    encoding.dictionary.appendEntries(page);
    uncompressedBytes += writePage(file, zstd, page.bytes, {
      type: 'DICTIONARY_PAGE',
      dictionary_page_header: { num_values: encoding.dictionary.count, encoding: 'PLAIN' },
    });
  }
  const dataPageOffset = file.offset;
  const pages: PageSummary[] = [];
  for (const { rows, from, to, firstRow } of pagesOf(order.length, { levels, values }, encoding)) {
    page.clear();
    if (column.nullable) appendLevels(page, levels, firstRow, firstRow + rows);
    encoding.append(page, from, to);
    const offset = file.offset;
    uncompressedBytes += writePage(file, zstd, page.bytes, {
      type: 'DATA_PAGE',
      data_page_header: dataPageHeader(rows, encoding.name),
    });
    pages.push({
      location: {
        offset: BigInt(offset),
        compressed_page_size: file.offset - offset,
        first_row_index: BigInt(firstRow),
      },
      bounds: values.bounds(from, to),
      nullCount: rows - (to - from),
    });
  }
  const bounds = pages.map((summary) => summary.bounds).reduce(mergeBounds, undefined);
  return {
    bounds,
    nullCount,
    pages,
    bloomFilter: isId ? values.bloomFilter?.() : undefined,
    metadata: {
      type: element.type!,
      encodings: encoding.dictionary === undefined ? [encoding.name, 'RLE'] : ['PLAIN', 'RLE', encoding.name],
      path_in_schema: [column.name],
      codec: 'ZSTD',
      num_values: BigInt(order.length),
      total_uncompressed_size: BigInt(uncompressedBytes),
      total_compressed_size: BigInt(file.offset - start),
      data_page_offset: BigInt(dataPageOffset),
      ...(encoding.dictionary === undefined ? {} : { dictionary_page_offset: BigInt(start) }),
      statistics: footerStatistics(column.type, { bounds, nullCount }),
    },
  };
}

/** The encoding with the smallest estimated size. */
function encodingOf(values: ChunkValues): ChunkEncoding {
  const dictionary = values.dictionary();
  const whole = values.wholeNumbers?.();
  const count = Math.max(1, values.count);
  const plainBits = (8 * values.plainBytes(0, values.count)) / count;
  const wholeBits = whole === undefined ? Number.POSITIVE_INFINITY : deltaBits(whole);
  const places = dictionary === undefined ? Number.POSITIVE_INFINITY : placeBitsEach(dictionary, values);
  if (whole !== undefined && wholeBits < places && wholeBits < maxDeltaShare * plainBits) {
    return { name: 'DELTA_BINARY_PACKED', append: (page, from, to) => appendDeltas(page, whole, from, to) };
  }
  if (dictionary !== undefined) {
    const append = (page: PageBuffer, from: number, to: number) => {
      page.reserve(1);
      page.buffer[page.length++] = dictionary.bitWidth;
      appendHybrid(page, dictionary.places, from, to, dictionary.bitWidth);
    };
    return { name: 'RLE_DICTIONARY', dictionary, append };
  }
  return { name: 'PLAIN', append: (page, from, to) => values.appendPlain(page, from, to) };
}

/** The estimated bits per value in dictionary encoding, including a share of the dictionary page. */
function placeBitsEach({ bitWidth, count, places }: Dictionary, values: ChunkValues): number {
  if (values.wholeNumbers === undefined) return 0;
  let runs = 1;
  for (let at = 1; at < places.length; at++) if (places[at] !== places[at - 1]) runs++;
  const inPages = Math.min(bitWidth, (runs / places.length) * (bitWidth + runBits));
  return inPages + (64 * count) / places.length;
}

function* pagesOf(rows: number, { levels, values }: Chunk, { name }: ChunkEncoding) {
  const bytes = name === 'PLAIN' ? values.plainBytes(0, values.count) : 0;
  const pageRows = Math.max(1, Math.min(maxPageRows, Math.floor((rows * targetPageBytes) / (bytes + 1))));
  let from = 0;
  for (let firstRow = 0; firstRow < rows; firstRow += pageRows) {
    const end = Math.min(rows, firstRow + pageRows);
    let to = from;
    if (levels === undefined) to += end - firstRow;
    else for (let row = firstRow; row < end; row++) to += levels[row]!;
    yield { firstRow, rows: end - firstRow, from, to };
    from = to;
  }
}

/** Definition levels of a data page of version 1: the length of the runs in bytes, then the runs. */
function appendLevels(page: PageBuffer, levels: Uint8Array | undefined, from: number, to: number): void {
  page.reserve(16);
  const lengthAt = page.length;
  page.length += 4;
  if (levels === undefined) appendRun(page, 1, to - from, 1);
  else appendHybrid(page, levels, from, to, 1);
  page.buffer.writeUInt32LE(page.length - lengthAt - 4, lengthAt);
}

function dataPageHeader(rows: number, encoding: Encoding): DataPageHeader {
  return {
    num_values: rows,
    encoding,
    definition_level_encoding: 'RLE',
    repetition_level_encoding: 'RLE',
  };
}
