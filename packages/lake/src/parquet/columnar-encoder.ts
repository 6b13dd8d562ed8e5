import type { RowGroup, SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ColumnBatch, EncodedFile, ParquetEncoder } from '../table-schema.ts';
import { type ColumnSummary, fileStats, mergeBounds, wrongLength } from './column-bounds.ts';
import { writeColumnChunk } from './column-chunk.ts';
import { PageBody } from './page-body.ts';
import { schemaElements } from './schema-elements.ts';

/** A row group ends at whichever limit comes first; readers hold one in memory. */
const maxRowGroupRows = 131_072;
const maxRowGroupBytes = 64 * 2 ** 20;

/**
 * From column buffers to Parquet pages without a row in between. The pages are made here; the footer is
 * hyparquet-writer's. Memory: the finished file up to three times, and one page of one column.
 */
export function createColumnarEncoder(): ParquetEncoder {
  return {
    name: 'columnar',
    encode: (batch) => new Promise((resolve) => resolve(encode(batch))),
  };
}

function encode(batch: ColumnBatch): EncodedFile {
  const { columns, rowCount, schema } = batch;
  schema.columns.forEach((column, index) => {
    if (columns[index]?.length !== rowCount) throw wrongLength(column, columns[index]?.length, rowCount);
  });
  const elements = schemaElements(schema);
  const file = new ByteWriter(2 ** 16);
  const parquet = new ParquetWriter({
    writer: file,
    schema: elements,
    createdBy: 'windrow',
    // Bounds are cut already when they come into the metadata.
    statisticsTruncateLength: Number.POSITIVE_INFINITY,
  });
  const body = new PageBody();
  const summaries: ColumnSummary[] = schema.columns.map(() => ({ bounds: undefined, nullCount: 0 }));
  for (let from = 0; from < rowCount; ) {
    const to = rowGroupEnd(batch, from);
    parquet.row_groups.push(writeRowGroup(file, body, batch, elements, from, to, summaries));
    from = to;
  }
  parquet.num_rows = BigInt(rowCount);
  parquet.finish();
  return { bytes: file.getBytes().slice(), stats: fileStats(batch, summaries) };
}

/** @param summaries brought up to date, in place, with what the group holds */
function writeRowGroup(
  file: ByteWriter,
  body: PageBody,
  { columns, schema }: ColumnBatch,
  elements: readonly SchemaElement[],
  from: number,
  to: number,
  summaries: ColumnSummary[],
): RowGroup {
  const start = file.offset;
  let uncompressedBytes = 0n;
  const chunks = schema.columns.map((column, index) => {
    const offset = file.offset;
    const chunk = writeColumnChunk(file, body, column, elements[index + 1]!, columns[index]!, from, to);
    uncompressedBytes += chunk.metadata.total_uncompressed_size;
    const before = summaries[index]!;
    summaries[index] = {
      bounds: mergeBounds(before.bounds, chunk.bounds),
      nullCount: before.nullCount + chunk.nullCount,
    };
    return { file_offset: BigInt(offset), meta_data: chunk.metadata };
  });
  return {
    columns: chunks,
    num_rows: BigInt(to - from),
    total_byte_size: uncompressedBytes,
    total_compressed_size: BigInt(file.offset - start),
    file_offset: BigInt(start),
  };
}

function rowGroupEnd({ columns, rowCount, schema }: ColumnBatch, from: number): number {
  const end = Math.min(rowCount, from + maxRowGroupRows);
  const long = columns.filter((_, index) => {
    const type = schema.columns[index]!.type;
    return type === 'string' || type === 'binary';
  });
  let bytes = 0;
  for (let row = from; row < end; row++) {
    for (const values of long) {
      const value = values[row];
      if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
    }
    if (bytes > maxRowGroupBytes) return row + 1;
  }
  return end;
}
