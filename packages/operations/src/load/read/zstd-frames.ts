const magic = 0xfd2fb528;
/** Frames without content have the magic numbers 0x184d2a50 to 0x184d2a5f. */
const skippableMagic = 0x184d2a50;
const dictionaryIdBytes = [0, 1, 2, 4];
const contentSizeBytes = [0, 2, 4, 8];
const runLengthBlock = 1;

/**
 * Cuts a zstd stream into its frames (RFC 8878, section 3.1): parallel compressors and appended files have several, and Node's
 * decompressor ends after the first. Read each frame to its end before the next one.
 */
export class ZstdFrames {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Moves to the next frame with content. @returns whether there is one. @throws Error if something else follows */
  async next(): Promise<boolean> {
    for (;;) {
      await this.#fill(8);
      if (this.#buffer.length === 0) return false;
      const found = this.#buffer.length < 4 ? 0 : this.#buffer.readUInt32LE();
      if (found === magic) return true;
      if ((found & 0xfffffff0) >>> 0 !== skippableMagic || this.#buffer.length < 8)
        throw new Error('something that is not zstd follows a frame');
      for await (const _ of this.#pass(8 + this.#buffer.readUInt32LE(4)));
    }
  }

  /** The bytes of the frame, or those that there are. */
  async *frame(): AsyncGenerator<Buffer> {
    await this.#fill(5);
    const descriptor = this.#buffer[4] ?? 0;
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (contentSizeBytes[sizeFlag] ?? 0);
    yield* this.#pass(5 + (isSingleSegment ? 0 : 1) + (dictionaryIdBytes[descriptor & 3] ?? 0) + sizeBytes);
    let isLast = false;
    while (!isLast) {
      await this.#fill(3);
      if (this.#buffer.length < 3) break;
      const header = this.#buffer.readUIntLE(0, 3);
      isLast = (header & 1) === 1;
      yield* this.#pass(3 + (((header >> 1) & 3) === runLengthBlock ? 1 : header >> 3));
    }
    yield* this.#pass((descriptor & 4) === 0 ? 0 : 4);
  }

  async #fill(bytes: number): Promise<void> {
    while (this.#buffer.length < bytes) {
      const next = await this.#chunks.next();
      if (next.done) return;
      this.#buffer = Buffer.concat([this.#buffer, next.value]);
    }
  }

  async *#pass(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0; ) {
      await this.#fill(1);
      const part = this.#buffer.subarray(0, left);
      if (part.length === 0) return;
      this.#buffer = this.#buffer.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}
