import type { InputRecord } from './broker.ts';

const chunkBytes = 1 << 20;
const firstChunkBytes = 1 << 14;
/** Lengths of key, value and headers, and the partition, in four bytes each; offset and timestamp in eight. */
const headBytes = 32;
const absent = -1;
/** Positions are numbers: the chunk's index, and where in it. */
const chunkFactor = 2 ** 32;
/** A record's position, kept on the heap. */
const positionBytes = 8;

/**
 * Chunks that were released, for the next records: left to the garbage collector they would stay in memory until it sees a
 * reason to run, beside those that are filled meanwhile. There are as many as were ever held at once.
 */
const freeChunks: Buffer[] = [];

/**
 * Records kept for later, as bytes outside the JavaScript heap: what they take is known to the byte, the garbage collector
 * has nothing to walk through, and all of it is free at once, by `release`. They are numbered from 0 as they are added.
 */
export class HeldRecords {
  #chunks: Buffer[] = [];
  #positions: number[] = [];
  #used = 0;
  #bytes = 0;

  get count(): number {
    return this.#positions.length;
  }

  /** What the records take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the record; @returns the bytes that are held more than before. */
  add(partition: number, { key, value, headers, offset, timestampMs }: InputRecord): number {
    const headersText = Object.keys(headers).length === 0 ? '' : JSON.stringify(headers);
    const headersBytes = Buffer.byteLength(headersText);
    const needed = headBytes + (key?.length ?? 0) + (value?.length ?? 0) + headersBytes;
    const chunk = this.#room(needed);
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

  /** Nothing is held any more. Views that were given show what is written there next: they must be of no more use. */
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
      throw new RangeError(`${this.count} records are held, none is number ${record}`);
    const index = Math.floor(position / chunkFactor);
    return [this.#chunks[index]!, position - index * chunkFactor];
  }

  #room(needed: number): Buffer {
    const last = this.#chunks.at(-1);
    if (last && this.#used + needed <= last.length) return last;
    // A micro-batch of a few records must not take a megabyte.
    const size = Math.max(this.#chunks.length === 0 ? firstChunkBytes : chunkBytes, needed);
    const chunk = (size === chunkBytes && freeChunks.pop()) || Buffer.allocUnsafeSlow(size);
    this.#chunks.push(chunk);
    this.#used = 0;
    return chunk;
  }
}
