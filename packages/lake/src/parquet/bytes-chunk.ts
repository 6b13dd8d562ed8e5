import { type ByteEntries, copyBytes, viewOf } from '../columns/byte-entries.ts';
import { BloomFilter } from './bloom-filter.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import type { ChunkValues } from './chunk-values.ts';
import type { ColumnBounds } from './column-bounds.ts';
import { type Dictionary, maxDictionaryEntries, placeBits } from './dictionary.ts';
import type { PageBuffer } from './page-buffer.ts';

/** Plain pages are smaller when a larger share of the values is distinct. */
const maxShare = 1 / 2;
const lengthBytes = 4;

/** The values of a string or binary column chunk. */
export class BytesChunk implements ChunkValues {
  readonly #entries: ByteEntries;
  /** The code of each value's entry. */
  readonly #codes: Int32Array;

  readonly #scratch: ChunkBuffers;

  constructor(entries: ByteEntries, codes: Int32Array, scratch: ChunkBuffers) {
    this.#entries = entries;
    this.#codes = codes;
    this.#scratch = scratch;
  }

  get count(): number {
    return this.#codes.length;
  }

  /** Readers disagree on the order of binary values, so those have no bounds. */
  bounds(from: number, to: number): ColumnBounds | 'unordered' {
    if (from >= to) return undefined;
    if (!this.#entries.isText) return 'unordered';
    const codes = this.#codes;
    let min = codes[from]!;
    let max = min;
    let last = min;
    let leastPrefix = this.#prefix(min);
    let greatestPrefix = leastPrefix;
    for (let at = from + 1; at < to; at++) {
      const code = codes[at]!;
      if (code === last) continue;
      last = code;
      const prefix = this.#prefix(code);
      if (prefix <= leastPrefix && this.#compare(code, min) < 0) {
        min = code;
        leastPrefix = prefix;
      } else if (prefix >= greatestPrefix && this.#compare(code, max) > 0) {
        max = code;
        greatestPrefix = prefix;
      }
    }
    const text = (code: number) => Buffer.from(this.#entries.entry(code)).toString();
    return { min: text(min), max: text(max) };
  }

  /** The first three bytes, padded with zeros: a quick comparison before the full one. */
  #prefix(code: number): number {
    const { bytes, starts } = this.#entries;
    const start = starts[code]!;
    const length = starts[code + 1]! - start;
    if (length >= 3) return (bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[start + 2]!;
    return length === 0 ? 0 : (bytes[start]! << 16) | (length === 1 ? 0 : bytes[start + 1]! << 8);
  }

  /** Compares byte by byte. For UTF-8 that is the order of code points, which Parquet and Delta use. */
  #compare(left: number, right: number): number {
    const { bytes, starts } = this.#entries;
    let a = starts[left]!;
    let b = starts[right]!;
    const aEnd = starts[left + 1]!;
    const bEnd = starts[right + 1]!;
    for (; a < aEnd && b < bEnd; a++, b++) {
      const difference = bytes[a]! - bytes[b]!;
      if (difference !== 0) return difference;
    }
    return aEnd - a - (bEnd - b);
  }

  dictionary(): Dictionary | undefined {
    if (!this.#entries.isDictionary || !this.#entries.isText) return undefined;
    const codes = this.#codes;
    const entries = this.#entries;
    /** Entry → its index in the dictionary + 1. */
    const placeOf = new Int32Array(entries.count);
    const used: number[] = [];
    const places = this.#scratch.places.subarray(0, codes.length);
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at]!;
      let place = placeOf[code]!;
      if (place === 0) {
        place = used.push(code);
        placeOf[code] = place;
      }
      places[at] = place - 1;
    }
    if (used.length > maxDictionaryEntries || used.length > Math.max(1, maxShare * codes.length))
      return undefined;
    return {
      ...{ count: used.length, places, bitWidth: placeBits(used.length) },
      appendEntries: (page) => appendEntries(page, entries, used),
    };
  }

  bloomFilter(): BloomFilter {
    const { bytes, starts } = this.#entries;
    const codes = this.#entries.isDictionary ? new Set(this.#codes) : this.#codes;
    const filter = new BloomFilter(this.#entries.isDictionary ? (codes as Set<number>).size : this.count);
    for (const code of codes) filter.add(bytes, starts[code]!, starts[code + 1]!);
    return filter;
  }

  plainBytes(from: number, to: number): number {
    const { starts } = this.#entries;
    let bytes = lengthBytes * (to - from);
    for (let at = from; at < to; at++) bytes += starts[this.#codes[at]! + 1]! - starts[this.#codes[at]!]!;
    return bytes;
  }

  appendPlain(page: PageBuffer, from: number, to: number): void {
    appendEntries(page, this.#entries, this.#codes.subarray(from, to));
  }
}

function appendEntries(page: PageBuffer, entries: ByteEntries, codes: ArrayLike<number>): void {
  const { bytes, starts } = entries;
  const view = viewOf(bytes);
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index]!;
    const start = starts[code]!;
    const end = starts[code + 1]!;
    page.reserve(lengthBytes + end - start);
    page.view.setInt32(page.length, end - start, true);
    page.length += lengthBytes;
    copyBytes(page.buffer, page.view, page.length, bytes, view, start, end);
    page.length += end - start;
  }
}
