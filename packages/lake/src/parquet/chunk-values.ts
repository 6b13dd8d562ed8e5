import type { BloomFilter } from './bloom-filter.ts';
import type { ColumnBounds } from './column-bounds.ts';
import type { Dictionary } from './dictionary.ts';
import type { PageBuffer } from './page-buffer.ts';

/** The values of one column chunk without its nulls, side by side, in the order of the file's rows. */
export interface ChunkValues {
  readonly count: number;
  /** Of the values from `from` to `to`; 'unordered' where there are values that rule bounds out. */
  bounds(from: number, to: number): ColumnBounds | 'unordered';
  /** Undefined where none makes the chunk smaller. */
  dictionary(): Dictionary | undefined;
  /** What a page of the values would take, uncompressed and plain. */
  plainBytes(from: number, to: number): number;
  appendPlain(page: PageBuffer, from: number, to: number): void;
  /** For DELTA_BINARY_PACKED; undefined for types that have none, and where values are beyond its limits here. */
  wholeNumbers?(): Float64Array | Int32Array | undefined;
  /** Of the different values; only for text. */
  bloomFilter?(): BloomFilter;
}
