import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isRetriable, WindrowError } from '@windrow/runtime';
import type { LoadFile } from '../load-file.ts';

export interface Input {
  name: string;
  /** Stored bytes (a gzipped file: compressed) that have been read. */
  bytesRead(): number;
  /** The content, uncompressed; can be read once. Throws FILE_UNREADABLE, and retriable errors of the storage. */
  chunks: AsyncIterable<Buffer>;
}

const chunkBytes = 256 * 1024;
const gzipMagic = Buffer.from([0x1f, 0x8b]);

/** Opens a file. Its first bytes decide whether it is gzipped, not its name. The signal ends reading with an error. */
export function openInput(file: LoadFile, signal: AbortSignal): Input {
  let bytesRead = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of file.bytes(signal)) {
      bytesRead += chunk.length;
      yield chunk;
    }
  }
  return { name: file.name, bytesRead: () => bytesRead, chunks: content(file.name, counted()) };
}

async function* content(name: string, raw: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    let head: Buffer = Buffer.alloc(0);
    while (head.length < gzipMagic.length) {
      const { value, done } = await raw.next();
      if (done) break;
      head = Buffer.concat([head, value]);
    }
    async function* whole(): AsyncGenerator<Buffer> {
      if (head.length > 0) yield head;
      yield* raw;
    }
    yield* head.subarray(0, 2).equals(gzipMagic) ? unzipped(whole()) : whole();
  } catch (cause) {
    if (isRetriable(cause) || (cause instanceof WindrowError && cause.code === 'FILE_UNREADABLE'))
      throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WindrowError('FILE_UNREADABLE', `${name} can't be read to its end: ${reason}.`, { cause });
  } finally {
    await raw.return(undefined);
  }
}

function unzipped(raw: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  // The iteration over `gunzip` throws the error.
  pipeline(Readable.from(raw, { objectMode: false }), gunzip, () => undefined);
  return gunzip;
}
