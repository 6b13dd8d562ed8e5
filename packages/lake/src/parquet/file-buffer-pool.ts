import { ByteWriter } from 'hyparquet-writer';

/** A larger one is not kept: files of that size are rare. */
const mostBytes = 2 ** 25;

/** The room of a file that nobody reads any more, for the next one: left to the garbage collector, it would stay for long. */
export class FileBufferPool {
  #free: ArrayBuffer | undefined;

  /** @param bytes what the file is expected to take */
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
