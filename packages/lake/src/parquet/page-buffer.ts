import { viewOf } from '../columns/byte-entries.ts';

/**
 * A growing buffer in which the body of one page is put together. Used for one page after another: `bytes` is only valid
 * until the next `clear`. Encodings write to `buffer` themselves, from `length` on, into what they have reserved.
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

  /** Makes room for `size` more bytes; `buffer` may be another one afterwards. */
  reserve(size: number): void {
    if (this.length + size <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, this.length + size));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = viewOf(grown);
  }

  /** The bytes of a typed array's elements, as the machine has them: little-endian, as Parquet's plain encoding is. */
  append(values: NodeJS.TypedArray): void {
    this.reserve(values.byteLength);
    this.buffer.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), this.length);
    this.length += values.byteLength;
  }

  /** An unsigned LEB128 number up to 2^53; up to 8 bytes, which must be reserved. */
  appendVarint(value: number): void {
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128))
      this.buffer[this.length++] = (rest % 128) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) this.buffer[this.length++] = (rest & 0x7f) | 0x80;
    this.buffer[this.length++] = rest;
  }
}
