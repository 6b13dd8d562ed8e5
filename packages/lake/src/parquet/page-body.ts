import type { ColumnType } from '../table-schema.ts';
import type { PresentValue } from './column-bounds.ts';

/** Up to this many characters a loop beats the call into the runtime's own UTF-8 encoder. */
const loopedCharacters = 64;

/**
 * A growing buffer in which the body of one page is put together: levels, then values. Used for one page after another;
 * `bytes` is only valid until the next `clear`. The encodings are those of parquet-format's Encodings.md.
 */
export class PageBody {
  private buffer: Buffer = Buffer.allocUnsafeSlow(1 << 16);
  private view: DataView = viewOf(this.buffer);
  private length = 0;

  clear(): void {
    this.length = 0;
  }

  /** A view, not a copy. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** Definition levels of a version 1 data page: the length of the runs in bytes, then the runs. */
  appendLevels(levels: Uint8Array, from: number, to: number): void {
    this.reserve(4);
    const lengthAt = this.length;
    this.length += 4;
    this.appendHybrid(levels, from, to, 1);
    this.view.setUint32(lengthAt, this.length - lengthAt - 4, true);
  }

  /** Dictionary indexes (RLE_DICTIONARY): their width in bits, then the runs. */
  appendIndexes(indexes: Uint16Array, from: number, to: number, bitWidth: number): void {
    this.reserve(1);
    this.buffer[this.length++] = bitWidth;
    this.appendHybrid(indexes, from, to, bitWidth);
  }

  /** Values one after another (PLAIN), in the physical form of `type`. They were checked to be of that type. */
  appendPlain(type: ColumnType, values: ArrayLike<PresentValue>, from: number, to: number): void {
    switch (type) {
      case 'string':
        for (let i = from; i < to; i++) this.appendString(values[i] as string);
        break;
      case 'binary':
        for (let i = from; i < to; i++) this.appendBytes(values[i] as Uint8Array);
        break;
      case 'boolean':
        this.appendBooleans(values, from, to);
        break;
      case 'double':
        this.reserve(8 * (to - from));
        for (let i = from; i < to; i++, this.length += 8) {
          this.view.setFloat64(this.length, values[i] as number, true);
        }
        break;
      case 'float':
        this.reserve(4 * (to - from));
        for (let i = from; i < to; i++, this.length += 4) {
          this.view.setFloat32(this.length, values[i] as number, true);
        }
        break;
      case 'integer':
      case 'date':
        this.reserve(4 * (to - from));
        for (let i = from; i < to; i++, this.length += 4) {
          this.view.setInt32(this.length, values[i] as number, true);
        }
        break;
      case 'long':
      case 'timestamp':
        this.appendLongs(values, from, to);
    }
  }

  private appendLongs(values: ArrayLike<PresentValue>, from: number, to: number): void {
    this.reserve(8 * (to - from));
    for (let i = from; i < to; i++, this.length += 8) {
      const value = values[i];
      if (typeof value === 'bigint') {
        this.view.setBigInt64(this.length, value, true);
      } else {
        const high = Math.floor((value as number) / 0x1_0000_0000);
        this.view.setUint32(this.length, (value as number) - high * 0x1_0000_0000, true);
        this.view.setInt32(this.length + 4, high, true);
      }
    }
  }

  private appendBooleans(values: ArrayLike<PresentValue>, from: number, to: number): void {
    this.reserve((to - from + 7) >> 3);
    for (let i = from; i < to; i += 8) {
      let byte = 0;
      for (let bit = 0; bit < 8 && i + bit < to; bit++) if (values[i + bit]) byte |= 1 << bit;
      this.buffer[this.length++] = byte;
    }
  }

  private appendBytes(value: Uint8Array): void {
    this.reserve(4 + value.length);
    this.view.setUint32(this.length, value.length, true);
    this.buffer.set(value, this.length + 4);
    this.length += 4 + value.length;
  }

  private appendString(value: string): void {
    this.reserve(4 + 3 * value.length);
    const { buffer } = this;
    const start = this.length + 4;
    let size = 0;
    if (value.length <= loopedCharacters) {
      for (; size < value.length; size++) {
        const code = value.charCodeAt(size);
        if (code > 0x7f) break;
        buffer[start + size] = code;
      }
    }
    if (size < value.length) size = buffer.write(value, start, 'utf8');
    this.view.setUint32(this.length, size, true);
    this.length = start + size;
  }

  /** The RLE/bit-packing hybrid: runs of eight or more equal values are counted, all else is packed by eights. */
  private appendHybrid(values: Uint8Array | Uint16Array, from: number, to: number, bitWidth: number): void {
    let packedFrom = from;
    let i = from;
    while (i < to) {
      const value = values[i]!;
      let runEnd = i + 1;
      while (runEnd < to && values[runEnd] === value) runEnd++;
      if (runEnd - i < 8) {
        i += 8;
        continue;
      }
      this.appendPacked(values, packedFrom, i, bitWidth);
      this.reserve(8);
      this.appendVarint((runEnd - i) * 2);
      this.buffer[this.length++] = value & 0xff;
      if (bitWidth > 8) this.buffer[this.length++] = value >> 8;
      packedFrom = i = runEnd;
    }
    this.appendPacked(values, packedFrom, to, bitWidth);
  }

  private appendPacked(values: Uint8Array | Uint16Array, from: number, to: number, bitWidth: number): void {
    if (from >= to) return;
    const groups = (to - from + 7) >> 3;
    this.reserve(groups * bitWidth + 8);
    this.appendVarint(groups * 2 + 1);
    const { buffer } = this;
    const end = this.length + groups * bitWidth;
    let at = this.length;
    let bits = 0;
    let bitCount = 0;
    for (let i = from; i < to; i++) {
      bits |= values[i]! << bitCount;
      bitCount += bitWidth;
      while (bitCount >= 8) {
        buffer[at++] = bits & 0xff;
        bits >>>= 8;
        bitCount -= 8;
      }
    }
    if (bitCount > 0) buffer[at++] = bits;
    buffer.fill(0, at, end);
    this.length = end;
  }

  private appendVarint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.buffer[this.length++] = (rest & 0x7f) | 0x80;
    this.buffer[this.length++] = rest;
  }

  private reserve(size: number): void {
    if (this.length + size <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, this.length + size));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = viewOf(grown);
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
