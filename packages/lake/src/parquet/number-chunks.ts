import type { ChunkBuffers } from './chunk-buffers.ts';
import type { ChunkValues } from './chunk-values.ts';
import type { ColumnBounds } from './column-bounds.ts';
import { deltaLimits } from './delta-binary-packed.ts';
import type { Dictionary } from './dictionary.ts';
import { numberDictionary } from './number-dictionary.ts';
import type { PageBuffer } from './page-buffer.ts';

const two32 = 2 ** 32;

/** The values of an integer or date column chunk. */
export class Int32Chunk implements ChunkValues {
  readonly #values: Int32Array;
  readonly #scratch: ChunkBuffers;

  constructor(values: Int32Array, scratch: ChunkBuffers) {
    this.#values = values;
    this.#scratch = scratch;
  }

  get count(): number {
    return this.#values.length;
  }

  bounds(from: number, to: number): ColumnBounds {
    return numberBounds(this.#values, from, to);
  }

  dictionary(): Dictionary | undefined {
    return numberDictionary(this.#values, 1, this.#scratch.places);
  }

  plainBytes(from: number, to: number): number {
    return 4 * (to - from);
  }

  appendPlain(page: PageBuffer, from: number, to: number): void {
    page.append(this.#values.subarray(from, to));
  }

  wholeNumbers(): Int32Array | undefined {
    return isNarrow(this.bounds(0, this.count), deltaLimits.integer) ? this.#values : undefined;
  }
}

/** The values of a long or timestamp column chunk. */
export class Int64Chunk implements ChunkValues {
  /** The low half, then the high half of each value. */
  readonly #halves: Int32Array;
  /** The values as doubles, rounded beyond 2^53. Rounding keeps the order, but can make values equal. */
  readonly #numbers: Float64Array;
  readonly #isSafe: boolean;
  readonly #scratch: ChunkBuffers;

  constructor(halves: Int32Array, scratch: ChunkBuffers) {
    this.#halves = halves;
    this.#scratch = scratch;
    this.#numbers = scratch.numbers.subarray(0, halves.length / 2);
    let isSafe = true;
    for (let at = 0; at < this.#numbers.length; at++) {
      const high = halves[2 * at + 1]!;
      this.#numbers[at] = high * two32 + (halves[2 * at]! >>> 0);
      // From −2^52 to 2^52.
      if (high >= 0x10_0000 || high < -0x10_0000) isSafe = false;
    }
    this.#isSafe = isSafe;
  }

  get count(): number {
    return this.#numbers.length;
  }

  bounds(from: number, to: number): ColumnBounds {
    if (this.#isSafe) return numberBounds(this.#numbers, from, to);
    const values = new BigInt64Array(this.#halves.buffer, this.#halves.byteOffset, this.count);
    let bounds: { min: bigint; max: bigint } | undefined;
    for (let at = from; at < to; at++) {
      const value = values[at]!;
      bounds ??= { min: value, max: value };
      if (value < bounds.min) bounds.min = value;
      if (value > bounds.max) bounds.max = value;
    }
    return bounds;
  }

  dictionary(): Dictionary | undefined {
    return numberDictionary(this.#halves, 2, this.#scratch.places);
  }

  plainBytes(from: number, to: number): number {
    return 8 * (to - from);
  }

  appendPlain(page: PageBuffer, from: number, to: number): void {
    page.append(this.#halves.subarray(2 * from, 2 * to));
  }

  wholeNumbers(): Float64Array | undefined {
    return isNarrow(this.bounds(0, this.count), deltaLimits.long) ? this.#numbers : undefined;
  }
}

/** The values of a float or double column chunk. */
export class RealChunk implements ChunkValues {
  readonly #values: Float64Array | Float32Array;
  readonly #scratch: ChunkBuffers;

  constructor(values: Float64Array | Float32Array, scratch: ChunkBuffers) {
    this.#values = values;
    this.#scratch = scratch;
  }

  get count(): number {
    return this.#values.length;
  }

  bounds(from: number, to: number): ColumnBounds | 'unordered' {
    return realBounds(this.#values, from, to);
  }

  dictionary(): Dictionary | undefined {
    const { buffer, byteLength, byteOffset } = this.#values;
    const words = new Int32Array(buffer, byteOffset, byteLength / 4);
    return numberDictionary(words, this.#values instanceof Float64Array ? 2 : 1, this.#scratch.places);
  }

  plainBytes(from: number, to: number): number {
    return this.#values.BYTES_PER_ELEMENT * (to - from);
  }

  appendPlain(page: PageBuffer, from: number, to: number): void {
    page.append(this.#values.subarray(from, to));
  }
}

/** The values of a boolean column chunk; 1 is true. */
export class BooleanChunk implements ChunkValues {
  readonly #values: Uint8Array;

  constructor(values: Uint8Array) {
    this.#values = values;
  }

  get count(): number {
    return this.#values.length;
  }

  bounds(from: number, to: number): ColumnBounds {
    if (from >= to) return undefined;
    const values = this.#values.subarray(from, to);
    return { min: !values.includes(0), max: values.includes(1) };
  }

  /** A dictionary index takes no less than the value itself. */
  dictionary(): undefined {
    return undefined;
  }

  plainBytes(from: number, to: number): number {
    return (to - from + 7) >> 3;
  }

  appendPlain(page: PageBuffer, from: number, to: number): void {
    page.reserve(this.plainBytes(from, to));
    for (let at = from; at < to; at += 8) {
      let byte = 0;
      for (let bit = 0; bit < 8 && at + bit < to; bit++) byte |= this.#values[at + bit]! << bit;
      page.buffer[page.length++] = byte;
    }
  }
}

function numberBounds(values: Int32Array | Float64Array, from: number, to: number): ColumnBounds {
  if (from >= to) return undefined;
  let min = values[from]!;
  let max = min;
  for (let at = from + 1; at < to; at++) {
    const value = values[at]!;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  return { min, max };
}

/** Readers disagree on the order of NaN, so there are no bounds with a NaN among the values. */
function realBounds(
  values: Float64Array | Float32Array,
  from: number,
  to: number,
): ColumnBounds | 'unordered' {
  if (from >= to) return undefined;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let at = from; at < to; at++) {
    const value = values[at]!;
    if (Number.isNaN(value)) return 'unordered';
    if (value < min) min = value;
    if (value > max) max = value;
  }
  // parquet.thrift: a minimum of zero is written as -0 and a maximum of zero as +0, because readers may distinguish them.
  return { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max };
}

function isNarrow(bounds: ColumnBounds, limit: { value: number; range: number }): boolean {
  if (bounds === undefined || typeof bounds.min !== 'number' || typeof bounds.max !== 'number') return false;
  return bounds.min >= -limit.value && bounds.max <= limit.value && bounds.max - bounds.min <= limit.range;
}
