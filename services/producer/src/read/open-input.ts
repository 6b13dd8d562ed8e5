import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { WindrowError } from '@windrow/runtime';

export interface Input {
  /** As it was given; `-` is the standard input. */
  name: string;
  /** On disk, compressed where it is; undefined for the standard input. */
  totalBytes: number | undefined;
  /** How many of them have been read. */
  bytesRead(): number;
  /** The content, uncompressed. Read once. Error: FILE_UNREADABLE */
  chunks: AsyncIterable<Buffer>;
}

const chunkBytes = 256 * 1024;
const gzipMagic = Buffer.from([0x1f, 0x8b]);

/** Checks that all files can be read, before any of them is. Error: FILE_UNREADABLE with every file at fault. */
export async function checkInputs(paths: readonly string[]): Promise<void> {
  const faults = (await Promise.all(paths.map(faultOf))).filter((fault) => fault !== undefined);
  if (faults.length === 0) return;
  throw new WindrowError('FILE_UNREADABLE', `Nothing was sent; can't read:\n  ${faults.join('\n  ')}`);
}

async function faultOf(path: string): Promise<string | undefined> {
  if (path === '-') return undefined;
  try {
    const file = await open(path, 'r');
    const isDirectory = (await file.stat()).isDirectory();
    await file.close();
    return isDirectory ? `${path}: is a directory` : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `${path}: ${code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'no permission' : code}`;
  }
}

/** Opens a file, gzipped or not: its first bytes tell, not its name. The signal ends the reading with an error. */
export async function openInput(path: string, signal?: AbortSignal): Promise<Input> {
  const totalBytes = path === '-' ? undefined : await sizeOf(path);
  const raw: Readable = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: chunkBytes });
  if (signal) addAbortSignal(signal, raw);
  let bytesRead = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of raw as AsyncIterable<Buffer>) {
      bytesRead += chunk.length;
      yield chunk;
    }
  }
  return { name: path, totalBytes, bytesRead: () => bytesRead, chunks: content(path, counted()) };
}

async function sizeOf(path: string): Promise<number | undefined> {
  const file = await open(path, 'r');
  const stat = await file.stat();
  await file.close();
  return stat.isFile() ? stat.size : undefined;
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
    if (cause instanceof WindrowError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WindrowError('FILE_UNREADABLE', `${name} can't be read to its end: ${reason}.`, { cause });
  } finally {
    await raw.return(undefined);
  }
}

function unzipped(raw: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  // Its error comes out of the iteration, as the stream's own.
  pipeline(Readable.from(raw, { objectMode: false }), gunzip, () => undefined);
  return gunzip;
}
