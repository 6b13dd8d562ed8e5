import { constants, createZstdCompress } from 'node:zlib';

// The parts of Node 24 that are used here, which its types don't have. `zstdCompressSync` makes a context for each call, and room
// outside of V8's heap for what comes out, for which V8 collects all of its heap: two thirds more time for a page.
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
  /** After a write: bytes that are left of `to`, and of `from`. */
  readonly _writeState: Uint32Array;
}

/** zstd level 1, for one frame after another in the same memory. */
export class ZstdCompressor {
  readonly #compression = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  }) as unknown as Compression;
  #frame = new Uint8Array(2 ** 16);

  /** @returns a frame that is valid until the next call */
  compress(bytes: Uint8Array): Uint8Array {
    // What a frame takes at most, by which zstd is through in one pass.
    const most = bytes.length + (bytes.length >> 8) + 1_024;
    if (this.#frame.length < most) this.#frame = new Uint8Array(2 * most);
    const frame = this.#frame;
    const { _handle: handle, _writeState: state } = this.#compression;
    // The end of a frame: what comes next begins another.
    handle.writeSync(constants.ZSTD_e_end, bytes, 0, bytes.length, frame, 0, frame.length);
    const [freeBytes, leftBytes] = state;
    if (freeBytes === undefined || leftBytes !== 0)
      throw new Error('this Node compresses otherwise than Node 24');
    return frame.subarray(0, frame.length - freeBytes);
  }
}
