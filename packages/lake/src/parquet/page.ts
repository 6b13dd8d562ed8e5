import { constants, zstdCompressSync } from 'node:zlib';
import type { OffsetIndex } from 'hyparquet';
import type { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import type { ColumnSummary } from './column-bounds.ts';

/** A data page, written. */
export interface PageSummary extends ColumnSummary {
  /** Its offset in the file; its first row's number within the row group. */
  readonly location: OffsetIndex['page_locations'][number];
}

type PageHeader = Omit<
  Parameters<typeof writePageHeader>[1],
  'uncompressed_page_size' | 'compressed_page_size'
>;

/** @returns the page's size before compression, its header included */
export function writePage(file: ByteWriter, body: Uint8Array, header: PageHeader): number {
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
