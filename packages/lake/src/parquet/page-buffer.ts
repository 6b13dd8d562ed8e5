import { viewOf } from '../columns/byte-entries.ts';

/**
 * A growing buffer for the body of one page, reused for the next one: `bytes` is only valid until the next `clear`. Encodings
 * write to `buffer` directly, from `length` on, after they have reserved the space.
 */
export class PageBuffer {
  buffer: Buffer = Buffer.allocUnsafeSlow(1 << 16);
  /** Of `buffer`. */
  view: DataView = viewOf(this.buffer);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** A view, not a copy. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** Grows the buffer for `size` more bytes; it may replace `buffer`. */
  reserve(size: number): void {
    if (this.length + size <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, this.length + size));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = viewOf(grown);
  }

  /** Appends the bytes of a typed array. They are little-endian, as Parquet's PLAIN encoding requires. */
  append(values: NodeJS.TypedArray): void {
    this.reserve(values.byteLength);
    this.buffer.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), this.length);
    this.length += values.byteLength;
  }

  /** Appends an unsigned LEB128 number of up to 2^53. It takes up to 8 bytes, which must be reserved. */
  appendVarint(value: number): void {
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128))
      this.buffer[this.length++] = (rest % 128) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) this.buffer[this.length++] = (rest & 0x7f) | 0x80;
    this.buffer[this.length++] = rest;
  }
}
