import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cleanInstall } from './npm-packages.mjs';

let root: string;
let notes: string[];

/** Puts a command `npm` on the PATH that runs the script in the folder `root`. */
function npmIs(script: string): void {
  const bin = path.join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'npm'), `#!/bin/sh\necho "$@" >>calls\n${script}\n`);
  chmodSync(path.join(bin, 'npm'), 0o755);
  vi.stubEnv('PATH', `${bin}${path.delimiter}${process.env.PATH}`);
}

const install = () =>
  cleanInstall({ root, logFile: path.join(root, 'npm.log'), note: (line) => notes.push(line) });

const calls = () => readFileSync(path.join(root, 'calls'), 'utf8').trimEnd().split('\n');

beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'windrow-npm-'));
  notes = [];
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

test('an npm ci that fails on the rest of a killed one is repeated on a clean folder', async () => {
  mkdirSync(path.join(root, 'node_modules/.left-over'), { recursive: true });
  npmIs(
    'rmdir node_modules 2>/dev/null || [ ! -e node_modules ] || { echo ENOTEMPTY; exit 1; }; mkdir node_modules',
  );
  await install();
  expect(calls()).toEqual(['ci --no-audit --no-fund', 'ci --no-audit --no-fund']);
  expect(existsSync(path.join(root, 'node_modules/.left-over'))).toBe(false);
  expect(notes).toEqual([expect.stringContaining('npm ended with exit code 1')]);
});

test('a second failure is reported with the log', async () => {
  mkdirSync(path.join(root, 'node_modules'));
  npmIs('echo ECONNREFUSED; exit 1');
  await expect(install()).rejects.toMatchObject({
    message: 'npm ended with exit code 1',
    logEnd: expect.stringContaining('ECONNREFUSED'),
  });
  expect(calls()).toHaveLength(2);
});

test('a first npm ci that fails is not repeated', async () => {
  npmIs('exit 1');
  await expect(install()).rejects.toThrow('npm ended with exit code 1');
  expect(calls()).toHaveLength(1);
});
