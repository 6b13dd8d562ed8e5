import type { Column } from '../columns/column-buffers.ts';
import type { BloomFilter } from './bloom-filter.ts';
import { BytesChunk } from './bytes-chunk.ts';
import type { ChunkScratch } from './chunk-scratch.ts';
import type { ColumnBounds } from './column-bounds.ts';
import type { Dictionary } from './dictionary.ts';
import { BooleanChunk, Int32Chunk, Int64Chunk, RealChunk } from './number-chunks.ts';
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

export interface Chunk {
  /** Of each row: 1 where it has a value. Undefined where all have one. */
  readonly levels: Uint8Array | undefined;
  readonly values: ChunkValues;
}

/** Takes the rows of `order`, row numbers, out of a column. The chunk lies in `scratch`. */
export function gatherChunk(column: Column, order: Uint32Array, scratch: ChunkScratch): Chunk {
  const present = column.present.subarray(0, column.rows);
  // Many columns have a value in each row, or in none; that is found faster than row by row.
  if (!present.includes(0)) return { levels: undefined, values: valuesOf(column, order, scratch) };
  const levels = scratch.levels.subarray(0, order.length);
  if (!present.includes(1)) return { levels: levels.fill(0), values: valuesOf(column, noRows, scratch) };
  let count = 0;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const level = present[row]!;
    levels[at] = level;
    // Overwritten by the next row where this one has no value.
    scratch.rows[count] = row;
    count += level;
  }
  return { levels, values: valuesOf(column, scratch.rows.subarray(0, count), scratch) };
}

const noRows = new Uint32Array();

function valuesOf(column: Column, rows: Uint32Array, scratch: ChunkScratch): ChunkValues {
  const { buffer } = scratch.words;
  const count = rows.length;
  switch (column.kind) {
    case 'boolean':
      return new BooleanChunk(gathered(column.values, rows, new Uint8Array(buffer, 0, count)));
    case 'bytes': {
      const codes = gathered(column.codes, rows, new Int32Array(buffer, 0, count));
      return new BytesChunk(column.entries, codes, scratch);
    }
    case 'float32':
      return new RealChunk(gathered(column.values, rows, new Float32Array(buffer, 0, count)), scratch);
    case 'float64':
      return new RealChunk(gathered(column.values, rows, new Float64Array(buffer, 0, count)), scratch);
    case 'int32':
      return new Int32Chunk(gathered(column.values, rows, new Int32Array(buffer, 0, count)), scratch);
    case 'int64': {
      const halves = gatheredHalves(column.halves, rows, new Int32Array(buffer, 0, 2 * count));
      return new Int64Chunk(halves, scratch);
    }
  }
}

function gathered<Values extends Uint8Array | Int32Array | Float32Array | Float64Array>(
  source: Values,
  rows: Uint32Array,
  target: Values,
): Values {
  for (let at = 0; at < rows.length; at++) target[at] = source[rows[at]!]!;
  return target;
}

function gatheredHalves(halves: Int32Array, rows: Uint32Array, target: Int32Array): Int32Array {
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at]!;
    target[2 * at] = halves[2 * row]!;
    target[2 * at + 1] = halves[2 * row + 1]!;
  }
  return target;
}
