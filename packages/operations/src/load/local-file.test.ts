import { appendFileSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { foundFile } from './local-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'windrow-local-file-'));
afterAll(() => rmSync(dir, { recursive: true }));
const content = 'x'.repeat(1_000_000);

function found(name: string) {
  const path = join(dir, name);
  writeFileSync(path, content);
  return { path, file: foundFile(path, `file://${path}`, statSync(path, { bigint: true })) };
}

/** `meanwhile`: after the first bytes. */
async function read(file: ReturnType<typeof foundFile>, meanwhile = () => {}): Promise<number> {
  let bytes = 0;
  for await (const chunk of file.bytes(new AbortController().signal)) {
    if (bytes === 0) meanwhile();
    bytes += chunk.length;
  }
  return bytes;
}

it('is read as it was found, or fails', async () => {
  const changed = {
    code: 'FILE_UNREADABLE',
    message: expect.stringContaining('changed after it had been listed'),
  };
  const { path, file } = found('a.jsonl');
  expect(await read(file)).toBe(1_000_000);
  await expect(read(file, () => appendFileSync(path, 'more'))).rejects.toMatchObject(changed);
  const begun = vi.fn();
  await expect(read(file, begun)).rejects.toMatchObject(changed);
  expect(begun).not.toHaveBeenCalled();
});

it('is read to its end when another one takes its name', async () => {
  const { path, file } = found('b.jsonl');
  const other = found('c.jsonl');
  expect(await read(file, () => renameSync(other.path, path))).toBe(1_000_000);
});
