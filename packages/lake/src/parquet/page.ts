import type { OffsetIndex } from 'hyparquet';
import type { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import type { ColumnSummary } from './column-bounds.ts';
import type { ZstdCompressor } from './zstd.ts';

/** A written data page. */
export interface PageSummary extends ColumnSummary {
  /** The page's offset in the file, its size, and the number of its first row within the row group. */
  readonly location: OffsetIndex['page_locations'][number];
}

type PageHeader = Omit<
  Parameters<typeof writePageHeader>[1],
  'uncompressed_page_size' | 'compressed_page_size'
>;

/** Compresses and writes a page. @returns its uncompressed size, including the header */
export function writePage(
  file: ByteWriter,
  zstd: ZstdCompressor,
  body: Uint8Array,
  header: PageHeader,
): number {
  const compressed = zstd.compress(body);
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
