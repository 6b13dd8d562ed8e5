/** Smaller responses get memory of their own, left to the garbage collector. Larger buffers are multiples of this. */
const unitBytes = 2 ** 18;
const maxFreeBytes = 2 ** 24;

/**
 * Memory for responses. Large buffers are used again: V8 collects its whole heap for each 64 MiB that are allocated and
 * freed outside of it, which took a fourth of a sink's processor time.
 */
export class ResponseBufferPool {
  /** Smallest first. */
  readonly #free: ArrayBuffer[] = [];
  readonly #readers = new WeakMap<ArrayBufferLike, number>();

  allocate(responseBytes: number): Buffer {
    if (responseBytes < unitBytes) return Buffer.allocUnsafeSlow(responseBytes);
    const fits = this.#free.findIndex(({ byteLength }) => byteLength >= responseBytes);
    const [memory = new ArrayBuffer(unitBytes * Math.ceil(responseBytes / unitBytes))] =
      fits < 0 ? [] : this.#free.splice(fits, 1);
    return Buffer.from(memory, 0, responseBytes);
  }

  /**
   * Counts one more reader of the response that the bytes belong to. A response that was never retained is never reused;
   * one that was retained is reused after its last release, so everybody who reads it until then must have retained it.
   */
  retain({ buffer }: Uint8Array): void {
    this.#readers.set(buffer, (this.#readers.get(buffer) ?? 0) + 1);
  }

  /** Counts one reader less. After the last one, the memory is given to another response. */
  release({ buffer }: Uint8Array): void {
    const left = (this.#readers.get(buffer) ?? 0) - 1;
    if (left < 0) throw new RangeError('a response was released more often than retained');
    this.#readers.set(buffer, left);
    if (left > 0 || buffer.byteLength < unitBytes || !(buffer instanceof ArrayBuffer)) return;
    const freeBytes = this.#free.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (freeBytes + buffer.byteLength > maxFreeBytes) return;
    this.#free.push(buffer);
    this.#free.sort((a, b) => a.byteLength - b.byteLength);
  }
}

/** All connections of the process share it. */
export const responseBuffers = new ResponseBufferPool();
