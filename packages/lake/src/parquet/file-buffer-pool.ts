import { ByteWriter } from 'hyparquet-writer';

/** Larger buffers are not kept, because files of that size are rare. */
const mostBytes = 2 ** 25;

/** Keeps one buffer of a finished file for the next file. The garbage collector would free such large buffers late. */
export class FileBufferPool {
  #free: ArrayBuffer | undefined;

  /** @param bytes the expected size of the file */
  writer(bytes: number): ByteWriter {
    const free = this.#free;
    if (free === undefined || free.byteLength < bytes) return new ByteWriter(bytes);
    this.#free = undefined;
    const file = new ByteWriter(0);
    file.buffer = free;
    file.view = new DataView(free);
    return file;
  }

  take({ buffer }: ByteWriter): void {
    if (buffer.byteLength <= mostBytes && buffer.byteLength > (this.#free?.byteLength ?? 0))
      this.#free = buffer;
  }
}
