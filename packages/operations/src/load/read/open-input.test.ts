import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { namedFiles } from '../local-file.ts';
import { openInput } from './open-input.ts';

const dir = mkdtempSync(join(tmpdir(), 'windrow-input-'));
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, content: Buffer | string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

async function contentOf(
  path: string,
): Promise<{ text: string; bytesRead: number; totalBytes: number | undefined }> {
  const [named] = await namedFiles([path]);
  if (!named) throw new Error(`${path} was not found`);
  const input = openInput(named, new AbortController().signal);
  const chunks: Buffer[] = [];
  for await (const chunk of input.chunks) chunks.push(chunk);
  return {
    text: Buffer.concat(chunks).toString(),
    bytesRead: input.bytesRead(),
    totalBytes: named.sizeBytes,
  };
}

describe('openInput', () => {
  it('takes gzip for what it is by its first bytes, and counts the bytes on disk', async () => {
    const text = 'some text\n'.repeat(100_000);
    const zipped = Buffer.concat([gzipSync(text), gzipSync('and more')]);
    const misnamed = file('zipped.json', zipped);
    expect(await contentOf(misnamed)).toEqual({
      text: `${text}and more`,
      bytesRead: zipped.length,
      totalBytes: zipped.length,
    });
    expect((await contentOf(file('plain.gz', text))).text).toBe(text);
    expect((await contentOf(file('empty', ''))).text).toBe('');
    expect((await contentOf(file('one-byte', '\x1f'))).text).toBe('\x1f');
  });

  it('gives what can be unzipped of a file that is cut off, then says so', async () => {
    const text = Array.from({ length: 200_000 }, (_, i) => `line ${i * 7919}\n`).join('');
    const zipped = gzipSync(text);
    const [cut] = await namedFiles([file('cut.gz', zipped.subarray(0, zipped.length / 2))]);
    if (!cut) throw new Error('cut.gz was not found');
    const input = openInput(cut, new AbortController().signal);
    let read = '';
    const reading = (async () => {
      for await (const chunk of input.chunks) read += chunk.toString();
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: /cut\.gz can't be read to its end/,
    });
    expect(read.length).toBeGreaterThan(text.length / 4);
    expect(text.startsWith(read)).toBe(true);
  });

  it('reads all frames of zstd, and says so where one is cut off or damaged', async () => {
    const text = Array.from({ length: 200_000 }, (_, i) => `line ${i * 7919}\n`).join('');
    const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
    const skipped = Buffer.concat([Buffer.from('502a4d1803000000', 'hex'), Buffer.from('abc')]);
    const frames = [
      zstdCompressSync(text),
      skipped,
      zstdCompressSync('', checked),
      zstdCompressSync('x'.repeat(1e6)),
      zstdCompressSync('end', checked),
    ];
    const zipped = Buffer.concat(frames);
    expect((await contentOf(file('frames.zst', zipped))).text).toBe(`${text}${'x'.repeat(1e6)}end`);
    const first = frames[0]?.length ?? 0;
    for (const [name, bytes] of [
      ['cut.zst', zipped.subarray(0, first / 2)],
      ['cut-by-one.zst', zipped.subarray(0, -1)],
      ['cut-between-blocks.zst', zipped.subarray(0, first - 3)],
      ['more.zst', Buffer.concat([zipped, Buffer.from('more and more')])],
    ] as const) {
      const message = expect.stringContaining(`${name} can't be read to its end`);
      await expect(contentOf(file(name, bytes))).rejects.toMatchObject({ code: 'FILE_UNREADABLE', message });
    }
  });

  it('names every file that cannot be read, before anything is read', async () => {
    mkdirSync(join(dir, 'folder'));
    const good = file('good', 'x');
    const paths = [join(dir, 'none'), good, join(dir, 'folder')];
    await expect(namedFiles(paths)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: /none: there is no such file\n.*folder: is a directory$/,
    });
    expect(await namedFiles([good, '-'])).toMatchObject([{ name: good, sizeBytes: 1 }, { name: '-' }]);
  });
});
