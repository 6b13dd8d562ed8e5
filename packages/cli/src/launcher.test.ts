import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const launcher = fileURLToPath(new URL('../bin/windrow.mjs', import.meta.url));
let clone: string;

beforeEach(() => {
  clone = mkdtempSync(path.join(os.tmpdir(), 'windrow-launcher-'));
  mkdirSync(path.join(clone, 'packages/cli/bin'), { recursive: true });
  mkdirSync(path.join(clone, 'packages/cli/src'));
  copyFileSync(launcher, path.join(clone, 'packages/cli/bin/windrow.mjs'));
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

/** What main.ts does is the test's; the launcher is the real one. */
function setUp(main: string): void {
  mkdirSync(path.join(clone, 'node_modules/commander'), { recursive: true });
  writeFileSync(path.join(clone, 'packages/cli/src/main.ts'), main);
}

/** Makes the launcher take this Node for an old one, so that it looks for the clone's own. */
function pretendToBeOld(): string[] {
  const old = path.join(clone, 'old.mjs');
  writeFileSync(old, `Object.defineProperty(process.versions, 'node', { value: '20.0.0' });`);
  return ['--import', old];
}

function bringNode24(): void {
  mkdirSync(path.join(clone, 'node_modules/node/bin'), { recursive: true });
  symlinkSync(process.execPath, path.join(clone, 'node_modules/node/bin/node'));
}

function launch(nodeArguments: string[], ...args: string[]) {
  const child = spawn(
    process.execPath,
    [...nodeArguments, path.join(clone, 'packages/cli/bin/windrow.mjs'), ...args],
    { cwd: os.tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, said, ended };
}

test('before the set-up it says what to run, and where', async () => {
  const { said, ended } = launch([]);
  expect(await ended).toBe(1);
  expect(said.stderr).toMatch(
    /^windrow: its packages are not installed: run "npm run setup" in .*windrow-launcher-/,
  );
});

test('without a Node 24 it says so', async () => {
  setUp('');
  const { said, ended } = launch(pretendToBeOld());
  expect(await ended).toBe(1);
  expect(said.stderr).toContain('it needs Node 24');
  expect(said.stderr).toContain('npm run setup');
});

test.each([
  ['this Node', () => []],
  [
    "the clone's own Node",
    () => {
      bringNode24();
      return pretendToBeOld();
    },
  ],
])('under %s the arguments go in, and the exit code comes out', async (_case, prepare) => {
  setUp('const code: number = 7; console.log(JSON.stringify(process.argv.slice(2))); process.exit(code);');
  const { said, ended } = launch(prepare(), 'load', '--stream', 'a b');
  expect(await ended).toBe(7);
  expect(JSON.parse(said.stdout)).toEqual(['load', '--stream', 'a b']);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s is passed on, and the ending is waited for', async (signal) => {
  bringNode24();
  setUp(`
    const wait = setInterval(() => undefined, 1000);
    process.on('${signal}', () => { clearInterval(wait); process.exitCode = 3; });
    console.log('up');
  `);
  const { child, ended } = launch(pretendToBeOld());
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill(signal);
  expect(await ended).toBe(3);
});

test('a command that is killed is no success', async () => {
  bringNode24();
  setUp(`process.kill(process.pid, 'SIGKILL'); setInterval(() => undefined, 1000);`);
  const { ended } = launch(pretendToBeOld());
  expect(await ended).toBe(128 + os.constants.signals.SIGKILL);
});
