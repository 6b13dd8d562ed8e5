import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WindrowError } from '@windrow/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type StackPaths, stackPaths } from '../state.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';
import { type ProcessDefinition, SupervisedProcess } from './supervised-process.ts';

let paths: StackPaths;
let supervised: SupervisedProcess;
let lines: string[];
let deaths: WindrowError[];

beforeEach(() => {
  paths = stackPaths(mkdtempSync(path.join(os.tmpdir(), 'windrow-supervised-')));
  mkdirSync(paths.logs);
  [lines, deaths] = [[], []];
});
afterEach(async () => {
  await supervised.stop('SIGKILL');
  rmSync(paths.stateDir, { recursive: true });
});

/** A shell command that is ready at once, unless the test says otherwise. */
function supervise(script: string, options: Partial<ProcessDefinition<string>> = {}): SupervisedProcess {
  const definition = {
    name: 'script',
    ports: {},
    launch: async () => ({ before: [], command: ['sh', '-c', script], env: {}, cwd: paths.stateDir }),
    check: async () => undefined,
    readyWithinMs: 60_000,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    ...options,
  } as const;
  const listener = {
    log: (line: string) => void lines.push(line),
    changed: () => undefined,
    died: (error: WindrowError) => void deaths.push(error),
  };
  supervised = new SupervisedProcess(definition, { paths, errorCode: 'SERVICE_FAILED', listener });
  return supervised;
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not within 30 s: ${condition}`);
    await delay(20);
  }
}

const running = (identity: ProcessIdentity | undefined) => identity !== undefined && isAlive(identity);

test('a process that dies after it was ready is reported with the end of its log, and can be started again', async () => {
  const { record } = supervise('echo "the last words"; exec sleep 600');
  await supervised.start();
  await until(() => readFileSync(path.join(paths.logs, 'script.log'), 'utf8') !== '');
  supervised.signal('SIGKILL');
  await until(() => deaths.length > 0);
  expect(deaths[0]).toMatchObject({ code: 'SERVICE_FAILED' });
  expect(deaths[0]?.message).toMatch(
    /^script was ended by SIGKILL\. The end of .*script\.log:\n +the last words\n/,
  );
  expect(record).toMatchObject({ state: 'failed', failure: deaths[0]?.message, restarts: 0 });
  await supervised.start();
  expect(record).toMatchObject({ state: 'ready', failure: undefined });
});

test('the delay before a restart doubles with each attempt that fails, up to the limit', async () => {
  const flag = path.join(paths.stateDir, 'keep');
  writeFileSync(flag, '');
  const { record } = supervise(`[ -e ${flag} ] || exit 7; exec sleep 600`, {
    restartDelayMs: { first: 100, most: 400 },
    // Ready only if it has outlived its own check of the flag.
    async check() {
      if (!existsSync(flag)) throw new Error('the flag is missing');
    },
  });
  await supervised.start();
  rmSync(flag);
  supervised.signal('SIGKILL');
  await until(() => record.restarts === 4);
  writeFileSync(flag, '');
  await until(() => record.state === 'ready');
  const delays = lines.filter((line) => line.includes('restarting in'));
  expect(delays.slice(0, 4)).toEqual(
    ['0.1 s', '0.2 s', '0.4 s', '0.4 s'].map((after) => `script: restarting in ${after}`),
  );
  expect(
    lines.filter((line) => line.startsWith('script ended with exit code 7 before it was ready')).length,
  ).toBeGreaterThanOrEqual(3);
});

test('a stop during the start ends the process, and the start is rejected', async () => {
  const { record } = supervise('exec sleep 600', {
    check: async () => {
      throw new Error('not yet');
    },
  });
  const starting = expect(supervised.start()).rejects.toMatchObject({ code: 'STOPPED' });
  await until(() => running(record.process));
  const { process } = record;
  await supervised.stop();
  await starting;
  expect(running(process)).toBe(false);
  expect(record.state).toBe('stopped');
});

test('a stop before the process is spawned leaves none behind', async () => {
  const { record } = supervise('exec sleep 600');
  const starting = expect(supervised.start()).rejects.toMatchObject({ code: 'STOPPED' });
  await supervised.stop();
  await starting;
  expect(record).toMatchObject({ state: 'stopped', process: undefined });
});

test('a process that does not become ready is stopped, and the error has the reason', async () => {
  const { record } = supervise('exec sleep 600', {
    readyWithinMs: 300,
    check: async () => {
      throw new Error('the port is closed');
    },
  });
  await expect(supervised.start()).rejects.toThrow('script was not ready after 0.3 s: the port is closed');
  expect(record.state).toBe('failed');
  expect(running(record.process)).toBe(false);
});

test('a preparation that fails is reported as such', async () => {
  supervise('exec sleep 600', {
    launch: async () => ({ before: [['false']], command: ['true'], env: {}, cwd: paths.stateDir }),
  });
  await expect(supervised.start()).rejects.toThrow(
    'script could not be prepared: false ended with exit code 1',
  );
});
