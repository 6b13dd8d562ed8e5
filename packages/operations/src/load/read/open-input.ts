import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { isRetriable, WindrowError } from '@windrow/runtime';
import type { LoadFile } from '../load-file.ts';
import { ZstdFrames } from './zstd-frames.ts';

export interface Input {
  name: string;
  /** Stored bytes (of a compressed file: before decompression) that have been read. */
  bytesRead(): number;
  /** The content, uncompressed; can be read once. Throws FILE_UNREADABLE, and retriable errors of the storage. */
  chunks: AsyncIterable<Buffer>;
}

const chunkBytes = 256 * 1024;
const gzipMagic = Buffer.from([0x1f, 0x8b]);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Opens a file. Its first bytes decide whether it is compressed, not its name. The signal ends reading with an error. */
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
    while (head.length < zstdMagic.length) {
      const { value, done } = await raw.next();
      if (done) break;
      head = Buffer.concat([head, value]);
    }
    async function* whole(): AsyncGenerator<Buffer> {
      if (head.length > 0) yield head;
      yield* raw;
    }
    if (head.subarray(0, 2).equals(gzipMagic))
      yield* through(whole(), createGunzip({ chunkSize: chunkBytes }));
    else if (head.subarray(0, 4).equals(zstdMagic)) yield* unpacked(new ZstdFrames(whole()));
    else yield* whole();
  } catch (cause) {
    if (isRetriable(cause) || (cause instanceof WindrowError && cause.code === 'FILE_UNREADABLE'))
      throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WindrowError('FILE_UNREADABLE', `${name} can't be read to its end: ${reason}.`, { cause });
  } finally {
    await raw.return(undefined);
  }
}

async function* unpacked(frames: ZstdFrames): AsyncGenerator<Buffer> {
  while (await frames.next()) yield* through(frames.frame(), createZstdDecompress({ chunkSize: chunkBytes }));
}

/** The iteration over the result throws the errors of both. */
function through(raw: AsyncIterable<Buffer>, decompressor: Transform): AsyncIterable<Buffer> {
  pipeline(Readable.from(raw, { objectMode: false }), decompressor, () => undefined);
  return decompressor;
}
