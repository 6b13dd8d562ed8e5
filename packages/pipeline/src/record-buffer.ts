import type { InputRecord } from './broker.ts';

const chunkBytes = 1 << 20;
const firstChunkBytes = 1 << 14;
/** Lengths of key, value and headers, and the partition, in four bytes each. Offset and timestamp in eight. */
const headBytes = 32;
const absent = -1;
/** A position is one number: the chunk's index times this, plus the position in the chunk. */
const chunkFactor = 2 ** 32;
/** The size of a record's position on the heap. */
const positionBytes = 8;

/**
 * Released chunks, for the next records. Left to the garbage collector, they would stay in memory until it runs, beside the
 * chunks that are filled meanwhile. Their number never shrinks: it is the largest number in use at once.
 */
const freeChunks: Buffer[] = [];

/**
 * Records as bytes outside of the JavaScript heap. Their size is known exactly, the garbage collector doesn't visit them, and
 * `release` frees them at once. They are numbered from 0 in the order in which they are added.
 */
export class RecordBuffer {
  #chunks: Buffer[] = [];
  #positions: number[] = [];
  #used = 0;
  #bytes = 0;

  get count(): number {
    return this.#positions.length;
  }

  /** The memory that the records take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the record. @returns by how much `bytes` has grown */
  add(partition: number, { key, value, headers, offset, timestampMs }: InputRecord): number {
    const headersText = Object.keys(headers).length === 0 ? '' : JSON.stringify(headers);
    const headersBytes = Buffer.byteLength(headersText);
    const needed = headBytes + (key?.length ?? 0) + (value?.length ?? 0) + headersBytes;
    const chunk = this.#chunkFor(needed);
    let at = this.#used;
    this.#positions.push((this.#chunks.length - 1) * chunkFactor + at);
    at = chunk.writeInt32LE(key?.length ?? absent, at);
    at = chunk.writeInt32LE(value?.length ?? absent, at);
    at = chunk.writeInt32LE(headersBytes, at);
    at = chunk.writeInt32LE(partition, at);
    at = chunk.writeDoubleLE(offset, at);
    at = chunk.writeDoubleLE(timestampMs, at);
    at += key?.copy(chunk, at) ?? 0;
    at += value?.copy(chunk, at) ?? 0;
    if (headersBytes > 0) chunk.write(headersText, at);
    this.#used += needed;
    this.#bytes += needed + positionBytes;
    return needed + positionBytes;
  }

  /** Removes all records. Views of them must not be used any more: their memory is written again. */
  release(): void {
    freeChunks.push(...this.#chunks.filter(({ length }) => length === chunkBytes));
    this.#chunks = [];
    this.#positions = [];
    this.#used = 0;
    this.#bytes = 0;
  }

  partitionOf(record: number): number {
    const [chunk, at] = this.#at(record);
    return chunk.readInt32LE(at + 12);
  }

  offsetOf(record: number): number {
    const [chunk, at] = this.#at(record);
    return chunk.readDoubleLE(at + 16);
  }

  /** A view, not a copy. */
  valueOf(record: number): Buffer | null {
    const [chunk, at] = this.#at(record);
    const keyLength = Math.max(0, chunk.readInt32LE(at));
    const length = chunk.readInt32LE(at + 4);
    const start = at + headBytes + keyLength;
    return length === absent ? null : chunk.subarray(start, start + length);
  }

  valueBytesOf(record: number): number {
    const [chunk, at] = this.#at(record);
    return Math.max(0, chunk.readInt32LE(at + 4));
  }

  /** The record as it was added; its key and value are views. */
  inputOf(record: number): InputRecord {
    const [chunk, at] = this.#at(record);
    const keyLength = chunk.readInt32LE(at);
    const headersAt = at + headBytes + Math.max(0, keyLength) + this.valueBytesOf(record);
    const headersBytes = chunk.readInt32LE(at + 8);
    return {
      offset: this.offsetOf(record),
      timestampMs: chunk.readDoubleLE(at + 24),
      key: keyLength === absent ? null : chunk.subarray(at + headBytes, at + headBytes + keyLength),
      value: this.valueOf(record),
      headers:
        headersBytes === 0 ? {} : JSON.parse(chunk.toString('utf8', headersAt, headersAt + headersBytes)),
    };
  }

  #at(record: number): [chunk: Buffer, at: number] {
    const position = this.#positions[record];
    if (position === undefined)
      throw new RangeError(`the buffer has ${this.count} records, none with number ${record}`);
    const index = Math.floor(position / chunkFactor);
    const chunk = this.#chunks[index];
    if (chunk === undefined) throw new RangeError(`the buffer has no chunk ${index}`);
    return [chunk, position - index * chunkFactor];
  }

  #chunkFor(needed: number): Buffer {
    const last = this.#chunks.at(-1);
    if (last && this.#used + needed <= last.length) return last;
    // The first chunk is small: a micro-batch of a few records must not take a megabyte.
    const size = Math.max(this.#chunks.length === 0 ? firstChunkBytes : chunkBytes, needed);
    const chunk = (size === chunkBytes && freeChunks.pop()) || Buffer.allocUnsafeSlow(size);
    this.#chunks.push(chunk);
    this.#used = 0;
    return chunk;
  }
}
