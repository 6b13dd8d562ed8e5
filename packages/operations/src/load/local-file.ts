import { type FileHandle, open } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { WindrowError } from '@windrow/runtime';
import type { LoadFile } from './load-file.ts';

const chunkBytes = 256 * 1024;

/**
 * The files of these paths, whose progress is not stored. `-` is the standard input.
 * @throws WindrowError FILE_UNREADABLE with all files that cannot be read
 */
export async function namedFiles(paths: readonly string[]): Promise<LoadFile[]> {
  const faults: string[] = [];
  const files: LoadFile[] = [];
  for (const path of paths) {
    const sizeBytes = path === '-' ? undefined : await sizeOf(path, faults);
    files.push({
      name: path,
      sizeBytes,
      bytes: (signal) => (path === '-' ? standardInput(signal) : contentOf(path, signal)),
    });
  }
  if (faults.length === 0) return files;
  throw new WindrowError('FILE_UNREADABLE', `Nothing was sent; can't read:\n  ${faults.join('\n  ')}`);
}

async function sizeOf(path: string, faults: string[]): Promise<number | undefined> {
  try {
    const file = await open(path, 'r');
    const stat = await file.stat();
    await file.close();
    if (stat.isDirectory()) faults.push(`${path}: is a directory`);
    return stat.isFile() ? stat.size : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'no permission' : code;
    faults.push(`${path}: ${reason}`);
    return undefined;
  }
}

/** A file found in a directory. Its progress is stored under `url` and the version that `stat` gives. */
export function foundFile(path: string, url: string, stat: { size: bigint; mtimeNs: bigint }): LoadFile {
  const version = versionOf(stat);
  return {
    name: path,
    sizeBytes: Number(stat.size),
    remembered: { url, version },
    bytes: (signal) => contentOf(path, signal, version),
  };
}

function versionOf({ size, mtimeNs }: { size: bigint; mtimeNs: bigint }): string {
  return `${size}-${mtimeNs}`;
}

function standardInput(signal: AbortSignal): Readable {
  return addAbortSignal(signal, process.stdin);
}

async function* contentOf(path: string, signal: AbortSignal, version?: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    if (version !== undefined) await expectVersion(path, file, version);
    yield* addAbortSignal(signal, file.createReadStream({ highWaterMark: chunkBytes, autoClose: false }));
    // A write during reading would mix two versions.
    if (version !== undefined) await expectVersion(path, file, version);
  } finally {
    await file.close();
  }
}

async function expectVersion(path: string, file: FileHandle, version: string): Promise<void> {
  if (versionOf(await file.stat({ bigint: true })) === version) return;
  throw new WindrowError('FILE_UNREADABLE', `${path} was changed after it had been listed; load it again.`);
}
