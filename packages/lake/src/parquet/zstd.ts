import { constants, createZstdCompress } from 'node:zlib';

// Internals of Node 24's zlib streams, which have no types. `zstdCompressSync` allocates a context and an output buffer outside
// V8's heap for each call. That triggers full garbage collections, and makes a page two thirds slower.
interface Compression {
  readonly _handle: {
    writeSync(
      flush: number,
      ...buffers: [
        from: Uint8Array,
        fromAt: number,
        fromBytes: number,
        to: Uint8Array,
        toAt: number,
        toBytes: number,
      ]
    ): void;
  };
  /** After a write: the bytes that are left in `to` and in `from`. */
  readonly _writeState: Uint32Array;
}

/** Compresses with zstd level 1, and reuses its memory for each frame. */
export class ZstdCompressor {
  readonly #compression = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  }) as unknown as Compression;
  #frame = new Uint8Array(2 ** 16);

  /** @returns a frame that is valid until the next call */
  compress(bytes: Uint8Array): Uint8Array {
    // The maximum size of a frame: with that much room, zstd finishes in one pass.
    const most = bytes.length + (bytes.length >> 8) + 1_024;
    if (this.#frame.length < most) this.#frame = new Uint8Array(2 * most);
    const frame = this.#frame;
    const { _handle: handle, _writeState: state } = this.#compression;
    // Ends the frame; the next call begins another one.
    handle.writeSync(constants.ZSTD_e_end, bytes, 0, bytes.length, frame, 0, frame.length);
    const [freeBytes, leftBytes] = state;
    if (freeBytes === undefined || leftBytes !== 0)
      throw new Error('zlib of this Node version differs from Node 24: run Node 24');
    return frame.subarray(0, frame.length - freeBytes);
  }
}
