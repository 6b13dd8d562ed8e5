import type { NestedLeaf } from '../columns/nested-leaf.ts';
import type { ScalarColumn } from '../columns/scalar-column.ts';
import { BytesChunk } from './bytes-chunk.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import type { ChunkValues } from './chunk-values.ts';
import { FixedChunk } from './fixed-chunk.ts';
import { BooleanChunk, Int32Chunk, Int64Chunk, RealChunk } from './number-chunks.ts';

/** The entries of one leaf in the order of the file's rows. A leaf outside of arrays and maps has one for each row. */
export interface Chunk {
  readonly entries: number;
  /** The definition level of each entry. Undefined when every entry has a value. */
  readonly definition: Uint8Array | undefined;
  readonly repeated: RepeatedEntries | undefined;
  readonly values: ChunkValues;
}

/** Entries of a leaf within arrays or maps. */
export interface RepeatedEntries {
  /** The repetition level of each entry. */
  readonly repetition: Uint8Array;
  /** The number of the first entry of each row, and the number of all entries. */
  readonly starts: Uint32Array;
}

/** Copies the rows with the numbers in `order` from a column to `scratch`. */
export function gatherChunk(column: ScalarColumn, order: Uint32Array, scratch: ChunkBuffers): Chunk {
  const flat = { entries: order.length, repeated: undefined };
  const present = column.present.subarray(0, column.rows);
  // Many columns have no nulls, or only nulls. `includes` finds that faster than the loop.
  if (!present.includes(0))
    return { ...flat, definition: undefined, values: valuesOf(column, order, scratch) };
  const levels = scratch.levels.subarray(0, order.length);
  if (!present.includes(1))
    return { ...flat, definition: levels.fill(0), values: valuesOf(column, noRows, scratch) };
  let count = 0;
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    const level = present[row]!;
    levels[at] = level;
    // The next row overwrites it if this one is null.
    scratch.rows[count] = row;
    count += level;
  }
  return { ...flat, definition: levels, values: valuesOf(column, scratch.rows.subarray(0, count), scratch) };
}

/** Copies the entries of the rows with the numbers in `order` from a leaf of a nested column to `scratch`. */
export function gatherLeaf(leaf: NestedLeaf, order: Uint32Array, scratch: ChunkBuffers): Chunk {
  const starts = new Uint32Array(order.length + 1);
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!;
    starts[at + 1] = starts[at]! + leaf.starts[row + 1]! - leaf.starts[row]!;
  }
  const entries = starts[order.length]!;
  scratch.reserve(entries);
  const taken = new Uint32Array(entries);
  for (let at = 0; at < order.length; at++) {
    const first = leaf.starts[order[at]!]! - starts[at]!;
    for (let entry = starts[at]!; entry < starts[at + 1]!; entry++) taken[entry] = first + entry;
  }
  const { values } = gatherChunk(leaf.values, taken, scratch);
  return {
    entries,
    definition: gathered(leaf.definition, taken, new Uint8Array(entries)),
    repeated:
      leaf.type.repetition === 0
        ? undefined
        : { starts, repetition: gathered(leaf.repetition, taken, new Uint8Array(entries)) },
    values,
  };
}

const noRows = new Uint32Array();

function valuesOf(column: ScalarColumn, rows: Uint32Array, scratch: ChunkBuffers): ChunkValues {
  const { buffer } = scratch.words;
  const count = rows.length;
  switch (column.kind) {
    case 'boolean':
      return new BooleanChunk(gathered(column.values, rows, new Uint8Array(buffer, 0, count)));
    case 'bytes': {
      const codes = gathered(column.codes, rows, new Int32Array(buffer, 0, count));
      if (column.fixedBytes !== undefined) return new FixedChunk(column.entries, codes, column.fixedBytes);
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
