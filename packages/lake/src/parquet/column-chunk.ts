import { constants, zstdCompressSync } from 'node:zlib';
import type { ColumnMetaData, Encoding, SchemaElement } from 'hyparquet';
import type { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import type { ColumnValue, TableColumn } from '../table-schema.ts';
import { boundsOf, type ColumnSummary, type PresentValue, wrongValue } from './column-bounds.ts';
import { buildDictionary } from './dictionary.ts';
import type { PageBody } from './page-body.ts';
import { lowerBound, upperBound } from './string-order.ts';

/** Pages are what readers decompress at once: 20,000 rows as parquet-java makes them, fewer where values are long. */
const maxPageRows = 20_000;
const targetPageBytes = 2 ** 20;

/** One column of one row group, written. */
export interface ColumnChunk extends ColumnSummary {
  readonly metadata: ColumnMetaData;
}

/**
 * Writes rows `from` to `to` of a column to `file` as a column chunk: a dictionary page where it pays, then data pages
 * (version 1, which every reader knows), each compressed with zstd level 1.
 * @param body scratch space, overwritten
 * @throws WindrowError ENCODE_FAILED naming the column
 */
export function writeColumnChunk(
  file: ByteWriter,
  body: PageBody,
  column: TableColumn,
  element: SchemaElement,
  values: ArrayLike<ColumnValue>,
  from: number,
  to: number,
): ColumnChunk {
  const rows = to - from;
  const { levels, present } = withoutNulls(values, from, to);
  const nullCount = rows - present.length;
  if (nullCount > 0 && !column.nullable) throw wrongValue(column, null);

  const dictionary = buildDictionary(column.type, present);
  const bounds = boundsOf(column, dictionary?.entries ?? present);
  const encoding: Encoding = dictionary === undefined ? 'PLAIN' : 'RLE_DICTIONARY';
  const start = file.offset;
  let uncompressedBytes = 0;
  if (dictionary !== undefined) {
    body.clear();
    body.appendPlain(column.type, dictionary.entries, 0, dictionary.entries.length);
    uncompressedBytes += writePage(file, body.bytes, {
      type: 'DICTIONARY_PAGE',
      dictionary_page_header: { num_values: dictionary.entries.length, encoding: 'PLAIN' },
    });
  }
  const dataPageOffset = file.offset;
  const pageRows = dictionary === undefined ? rowsPerPage(present, rows) : maxPageRows;
  let done = 0;
  for (let row = 0; row < rows; row += pageRows) {
    const pageEnd = Math.min(rows, row + pageRows);
    let next = done;
    for (let i = row; i < pageEnd; i++) next += levels[i]!;
    body.clear();
    if (column.nullable) body.appendLevels(levels, row, pageEnd);
    if (dictionary === undefined) body.appendPlain(column.type, present, done, next);
    else body.appendIndexes(dictionary.indexes, done, next, dictionary.bitWidth);
    uncompressedBytes += writePage(file, body.bytes, {
      type: 'DATA_PAGE',
      data_page_header: {
        num_values: pageEnd - row,
        encoding,
        definition_level_encoding: 'RLE',
        repetition_level_encoding: 'RLE',
      },
    });
    done = next;
  }

  return {
    bounds,
    nullCount,
    metadata: {
      type: element.type!,
      encodings: dictionary === undefined ? ['PLAIN', 'RLE'] : ['PLAIN', 'RLE', 'RLE_DICTIONARY'],
      path_in_schema: [column.name],
      codec: 'ZSTD',
      num_values: BigInt(rows),
      total_uncompressed_size: BigInt(uncompressedBytes),
      total_compressed_size: BigInt(file.offset - start),
      data_page_offset: BigInt(dataPageOffset),
      ...(dictionary === undefined ? {} : { dictionary_page_offset: BigInt(start) }),
      statistics: footerStatistics({ bounds, nullCount }),
    },
  };
}

/** The values of the rows that have one, and for each row a 1 where it has one. */
function withoutNulls(
  values: ArrayLike<ColumnValue>,
  from: number,
  to: number,
): { levels: Uint8Array; present: ArrayLike<PresentValue> } {
  const levels = new Uint8Array(to - from);
  let count = 0;
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    levels[i - from] = 1;
    count++;
  }
  const rows: ArrayLike<ColumnValue> =
    from === 0 && to === values.length ? values : Array.prototype.slice.call(values, from, to);
  if (count === to - from) return { levels, present: rows as ArrayLike<PresentValue> };
  const present: PresentValue[] = [];
  for (let i = 0; i < levels.length; i++) if (levels[i] === 1) present.push(rows[i] as PresentValue);
  return { levels, present };
}

function rowsPerPage(present: ArrayLike<PresentValue>, rows: number): number {
  let bytes = 0;
  for (let i = 0; i < present.length; i++) {
    const value = present[i];
    bytes += typeof value === 'string' || value instanceof Uint8Array ? 4 + value.length : 8;
  }
  return Math.max(1, Math.min(maxPageRows, Math.floor((rows * targetPageBytes) / (bytes + 1))));
}

type PageHeader = Omit<
  Parameters<typeof writePageHeader>[1],
  'uncompressed_page_size' | 'compressed_page_size'
>;

/** @returns the page's size before compression, its header included */
function writePage(file: ByteWriter, body: Uint8Array, header: PageHeader): number {
  const compressed = zstdCompressSync(body, {
    // One piece of output for one page: the default cuts it into pieces of 16 KiB and joins them again.
    chunkSize: Math.max(1024, body.length + (body.length >> 8) + 64),
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  const start = file.offset;
  writePageHeader(file, {
    ...header,
    uncompressed_page_size: body.length,
    compressed_page_size: compressed.length,
  });
  const headerBytes = file.offset - start;
  file.appendBytes(compressed);
  return headerBytes + body.length;
}

function footerStatistics({ bounds, nullCount }: ColumnSummary): NonNullable<ColumnMetaData['statistics']> {
  const counted = { null_count: BigInt(nullCount) };
  if (bounds === undefined || bounds === 'unordered') return counted;
  if (typeof bounds.min !== 'string' || typeof bounds.max !== 'string') {
    return { ...counted, min_value: bounds.min, max_value: bounds.max };
  }
  const min = lowerBound(bounds.min);
  const max = upperBound(bounds.max);
  return {
    ...counted,
    min_value: min,
    is_min_value_exact: min === bounds.min,
    ...(max === undefined ? {} : { max_value: max, is_max_value_exact: max === bounds.max }),
  };
}
