import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { failpoints, readFailpoint } from './failpoints.ts';

const script = `
  const { armFailpoint, failpoint } = await import(${JSON.stringify(fileURLToPath(new URL('./failpoints.ts', import.meta.url)))});
  armFailpoint();
  for (const pass of [1, 2, 3]) { await failpoint('lake.commit.beforePut'); process.stdout.write(String(pass)); }`;
const args = ['--input-type=module', '-e', script];
const envOf = (WINDROW_FAILPOINT: string | undefined) => {
  const { WINDROW_FAILPOINT: _, ...env } = process.env;
  return { ...env, ...(WINDROW_FAILPOINT === undefined ? {} : { WINDROW_FAILPOINT }) };
};

/** A process that passes the step three times and logs each pass. */
function pass(value: string | undefined) {
  const { stdout, signal } = spawnSync(process.execPath, args, { env: envOf(value), encoding: 'utf8' });
  return [stdout, signal];
}

it('kills the process at the named step, the first time or the one that is asked for, and else does nothing', () => {
  expect(pass(undefined)).toEqual(['123', null]);
  expect(pass('lake.commit.afterPut')).toEqual(['123', null]);
  expect(pass('lake.commit.beforePut')).toEqual(['', 'SIGKILL']);
  expect(pass('lake.commit.beforePut#3')).toEqual(['12', 'SIGKILL']);
});

it('stops the process at the named step, which goes on from there when it is woken', async () => {
  const child = spawn(process.execPath, args, { env: envOf('stop:lake.commit.beforePut#2') });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const state = () => spawnSync('ps', ['-o', 'stat=', '-p', String(child.pid)], { encoding: 'utf8' }).stdout;
  await vi.waitFor(() => expect(state()).toMatch(/^T/), { timeout: 20_000, interval: 50 });
  await vi.waitFor(() => expect(said).toBe('1'), 20_000);
  child.kill('SIGCONT');
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
  expect(said).toBe('123');
});

it('refuses a name that is not in the list, which is sorted', () => {
  const unknown = {
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/"lake\.commit" is not a failpoint/),
  };
  expect(() => readFailpoint('lake.commit')).toThrow(expect.objectContaining(unknown));
  for (const value of ['halt:lake.commit.afterPut', 'lake.commit.afterPut#0', 'lake.commit.afterPut#x'])
    expect(() => readFailpoint(value)).toThrow(/is not a failpoint/);
  expect([...failpoints].sort()).toEqual([...failpoints]);
});
