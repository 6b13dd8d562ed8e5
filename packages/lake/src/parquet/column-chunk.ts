import type { ColumnMetaData, DataPageHeader, Encoding, SchemaElement } from 'hyparquet';
import type { ByteWriter } from 'hyparquet-writer';
import type { LeafType } from '../columns/nested-leaf.ts';
import type { BloomFilter } from './bloom-filter.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import type { ChunkValues } from './chunk-values.ts';
import { type ColumnSummary, mergeBounds } from './column-bounds.ts';
import { appendDeltas, deltaBits } from './delta-binary-packed.ts';
import type { Dictionary } from './dictionary.ts';
import { footerStatistics } from './footer-statistics.ts';
import type { Chunk } from './gather-chunk.ts';
import { appendHybrid, appendRun } from './hybrid-runs.ts';
import { type PageSummary, writePage } from './page.ts';
import type { PageBuffer } from './page-buffer.ts';
import type { ZstdCompressor } from './zstd.ts';

/** Readers decompress whole pages, and skip whole pages by the page index. Long values and long arrays make pages of fewer rows. */
const maxPageEntries = 32_768;
const targetPageBytes = 2 ** 20;
/** Deltas are used when they take at most this share of the plain size: more isn't worth the work of readers. */
const maxDeltaShare = 3 / 4;
/** The overhead of an RLE run, in bits. */
const runBits = 16;

/** A leaf of the file's schema: a flat column, or a part of a nested one. */
export interface FileLeaf extends LeafType {
  readonly element: SchemaElement;
  /** Whether queries look rows up by it. */
  readonly isId: boolean;
}

/** A written column chunk: one leaf of one row group. */
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
 * Writes the entries of a leaf to `file` as a column chunk: a dictionary page if it makes the chunk smaller, then data pages
 * (version 1, which every reader supports), each compressed with zstd level 1. A page begins with a row.
 * @param scratch is overwritten
 */
export function writeColumnChunk(
  file: ByteWriter,
  { page, zstd }: EncodingScratch,
  leaf: FileLeaf,
  chunk: Chunk,
  rows: number,
): ColumnChunk {
  const { entries, definition, repeated, values } = chunk;
  const nullCount = entries - values.count;
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
  for (const { firstRow, from, to, valuesFrom, valuesTo } of pagesOf(rows, leaf, chunk, encoding)) {
    page.clear();
    if (repeated !== undefined) appendLevels(page, repeated.repetition, from, to, leaf.repetition);
    if (leaf.definition > 0) appendLevels(page, definition, from, to, leaf.definition);
    encoding.append(page, valuesFrom, valuesTo);
    const offset = file.offset;
    uncompressedBytes += writePage(file, zstd, page.bytes, {
      type: 'DATA_PAGE',
      data_page_header: dataPageHeader(to - from, encoding.name),
    });
    pages.push({
      location: {
        offset: BigInt(offset),
        compressed_page_size: file.offset - offset,
        first_row_index: BigInt(firstRow),
      },
      bounds: values.bounds(valuesFrom, valuesTo),
      nullCount: to - from - (valuesTo - valuesFrom),
    });
  }
  const bounds = pages.map((summary) => summary.bounds).reduce(mergeBounds, undefined);
  return {
    bounds,
    nullCount,
    pages,
    bloomFilter: leaf.isId ? values.bloomFilter?.() : undefined,
    metadata: {
      type: leaf.element.type!,
      encodings: encoding.dictionary === undefined ? [encoding.name, 'RLE'] : ['PLAIN', 'RLE', encoding.name],
      path_in_schema: [...leaf.path],
      codec: 'ZSTD',
      num_values: BigInt(entries),
      total_uncompressed_size: BigInt(uncompressedBytes),
      total_compressed_size: BigInt(file.offset - start),
      data_page_offset: BigInt(dataPageOffset),
      ...(encoding.dictionary === undefined ? {} : { dictionary_page_offset: BigInt(start) }),
      statistics: footerStatistics(leaf.type, { bounds, nullCount }),
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

/** The rows of a chunk in pages: the number of the first row, and the entries and values of the page. */
function* pagesOf(rows: number, leaf: FileLeaf, chunk: Chunk, { name }: ChunkEncoding) {
  const { definition, entries, repeated, values } = chunk;
  const bytes = name === 'PLAIN' ? values.plainBytes(0, values.count) : 0;
  const ofBytes = Math.floor((rows * targetPageBytes) / (bytes + 1));
  const ofEntries = Math.floor((rows * maxPageEntries) / Math.max(1, entries));
  const pageRows = Math.max(1, Math.min(maxPageEntries, ofEntries, ofBytes));
  let valuesFrom = 0;
  for (let firstRow = 0; firstRow < rows; firstRow += pageRows) {
    const end = Math.min(rows, firstRow + pageRows);
    const from = repeated === undefined ? firstRow : repeated.starts[firstRow]!;
    const to = repeated === undefined ? end : repeated.starts[end]!;
    let valuesTo = valuesFrom;
    if (definition === undefined) valuesTo += to - from;
    else for (let entry = from; entry < to; entry++) if (definition[entry] === leaf.definition) valuesTo++;
    yield { firstRow, from, to, valuesFrom, valuesTo };
    valuesFrom = valuesTo;
  }
}

/**
 * Levels of a data page of version 1: the length of the runs in bytes, then the runs.
 * @param max the highest level of the leaf, which entries without `levels` have
 */
function appendLevels(
  page: PageBuffer,
  levels: Uint8Array | undefined,
  from: number,
  to: number,
  max: number,
): void {
  const bitWidth = 32 - Math.clz32(max);
  page.reserve(16);
  const lengthAt = page.length;
  page.length += 4;
  if (levels === undefined) appendRun(page, max, to - from, bitWidth);
  else appendHybrid(page, levels, from, to, bitWidth);
  page.buffer.writeUInt32LE(page.length - lengthAt - 4, lengthAt);
}

function dataPageHeader(entries: number, encoding: Encoding): DataPageHeader {
  return {
    num_values: entries,
    encoding,
    definition_level_encoding: 'RLE',
    repetition_level_encoding: 'RLE',
  };
}
