import { unscaledOf } from '@windrow/contracts';
import type { ByteEntries } from '../columns/byte-entries.ts';
import type { ChunkValues } from './chunk-values.ts';
import type { ColumnBounds } from './column-bounds.ts';
import type { PageBuffer } from './page-buffer.ts';

/** The values of a column chunk of decimals that are stored in bytes of a fixed length. */
export class FixedChunk implements ChunkValues {
  readonly #entries: ByteEntries;
  /** The code of each value's entry. */
  readonly #codes: Int32Array;
  readonly #size: number;

  constructor(entries: ByteEntries, codes: Int32Array, size: number) {
    this.#entries = entries;
    this.#codes = codes;
    this.#size = size;
  }

  get count(): number {
    return this.#codes.length;
  }

  bounds(from: number, to: number): ColumnBounds {
    if (from >= to) return undefined;
    let min = this.#codes[from]!;
    let max = min;
    for (let at = from + 1; at < to; at++) {
      const code = this.#codes[at]!;
      if (this.#compare(code, min) < 0) min = code;
      else if (this.#compare(code, max) > 0) max = code;
    }
    return { min: unscaledOf(this.#entries.entry(min)), max: unscaledOf(this.#entries.entry(max)) };
  }

  /** Compares two's complement of the same length: the first byte has the sign. */
  #compare(left: number, right: number): number {
    const { bytes, starts } = this.#entries;
    const [a, b] = [starts[left]!, starts[right]!];
    const sign = (bytes[a]! ^ 0x80) - (bytes[b]! ^ 0x80);
    if (sign !== 0) return sign;
    for (let at = 1; at < this.#size; at++) {
      const difference = bytes[a + at]! - bytes[b + at]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** zstd finds repeated values of decimals well enough. */
  dictionary(): undefined {
    return undefined;
  }

  plainBytes(from: number, to: number): number {
    return this.#size * (to - from);
  }

  appendPlain(page: PageBuffer, from: number, to: number): void {
    page.reserve(this.plainBytes(from, to));
    const { bytes, starts } = this.#entries;
    for (let at = from; at < to; at++) {
      const start = starts[this.#codes[at]!]!;
      page.buffer.set(bytes.subarray(start, start + this.#size), page.length);
      page.length += this.#size;
    }
  }
}
