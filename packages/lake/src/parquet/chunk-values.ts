import type { BloomFilter } from './bloom-filter.ts';
import type { ColumnBounds } from './column-bounds.ts';
import type { Dictionary } from './dictionary.ts';
import type { PageBuffer } from './page-buffer.ts';

/** The values of one column chunk without its nulls, contiguous, in the order of the file's rows. */
export interface ChunkValues {
  readonly count: number;
  /** Bounds of the values from `from` to `to`; 'unordered' when some of the values can't be ordered. */
  bounds(from: number, to: number): ColumnBounds | 'unordered';
  /** Undefined when a dictionary doesn't make the chunk smaller. */
  dictionary(): Dictionary | undefined;
  /** The uncompressed size of the values in PLAIN encoding. */
  plainBytes(from: number, to: number): number;
  appendPlain(page: PageBuffer, from: number, to: number): void;
  /** The values for DELTA_BINARY_PACKED; undefined when some are beyond this encoder's limits. */
  wholeNumbers?(): Float64Array | Int32Array | undefined;
  /** Of the distinct values; only for text. */
  bloomFilter?(): BloomFilter;
}
