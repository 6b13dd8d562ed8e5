import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyInstallation } from '@windrow/operations';
import { defaultStateDir, isAlive, type ProcessIdentity, sendSignal } from '@windrow/stack';
import { afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { servicesStatus, startBackgroundServices, stopServices } from './background.ts';
import { askReady } from './health.ts';
import { readRecord } from './record.ts';
import { type Services, startServices } from './services.ts';

// The producer stands for all four: it needs nothing but the registry and the broker with the write keys' topics.
const names = ['producer'] as const;
let stateDir: string;
let env: NodeJS.ProcessEnv;
let services: Services | undefined;

beforeAll(async () => {
  await applyInstallation({ ...inject('endpoints') });
});
beforeEach(() => {
  const runs = path.join(defaultStateDir, 'test');
  mkdirSync(runs, { recursive: true });
  stateDir = mkdtempSync(path.join(runs, 'services-'));
  mkdirSync(path.join(stateDir, 'logs'));
  env = { ...process.env, ...inject('endpoints') };
});

afterEach(async () => {
  await services?.stop();
  services = undefined;
  await stopServices(stateDir);
  rmSync(stateDir, { recursive: true, force: true });
});

/** The keeper and the service itself. */
function processes(): ProcessIdentity[] {
  const [service] = readRecord(stateDir)?.services ?? [];
  return [service?.keeper, service?.process].filter((identity) => identity !== undefined);
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within 30 s: ${what}`);
    await sleep(50);
  }
}

test('a service that dies is started again on its own ports, and stop leaves no process', async () => {
  services = await startServices({ stateDir, env, names });
  const [record] = services.records;
  const first = record?.process;
  expect(await askReady(record!)).toEqual({ ready: true, reasons: [] });

  services.signalService('producer', 'SIGKILL');
  await until('it is started again', () => record?.state === 'ready' && record.restarts === 1);
  expect(record?.process?.pid).not.toBe(first?.pid);
  expect((await askReady(record!)).ready).toBe(true);

  const running = processes();
  expect(running).toHaveLength(2);
  await services.stop();
  expect(running.filter(isAlive)).toEqual([]);
  expect(servicesStatus(stateDir).state).toBe('stopped');
});

test('one can be stopped and started, and Prometheus is told where they are', async () => {
  services = await startServices({ stateDir, env, names });
  const [record] = services.records;
  const targets = readFileSync(path.join(stateDir, 'prometheus/targets.json'), 'utf8');
  expect(targets).toContain(`127.0.0.1:${record?.ports.admin}`);
  await services.stopService('producer');
  expect(record?.state).toBe('stopped');
  expect((await askReady(record!)).ready).toBe(false);
  await services.startService('producer');
  expect((await askReady(record!)).ready).toBe(true);
});

test('a service that can not start is named with the end of its log, and nothing is left running', async () => {
  const faulty = { ...env, KAFKA_BROKERS: 'nonsense' };
  const failure = await startServices({ stateDir, env: faulty, names }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'SERVICE_FAILED' });
  expect((failure as Error).message).toMatch(/^producer ended with exit code 2 before it was ready\./);
  expect((failure as Error).message).toContain('KAFKA_BROKERS: "nonsense" is not valid');
  expect(existsSync(path.join(stateDir, 'services.json'))).toBe(false);
});

test('in the background they outlive their starter, a second start finds them, and down ends them', async () => {
  const records = await startBackgroundServices({ stateDir, env, names });
  expect((await askReady(records[0]!)).ready).toBe(true);
  const again = await startBackgroundServices({ stateDir, env, names });
  expect(again[0]?.process).toEqual(records[0]?.process);
  const running = processes();
  expect(await stopServices(stateDir)).toBe(true);
  expect(running.filter(isAlive)).toEqual([]);
  expect(await stopServices(stateDir)).toBe(false);
});

test('a supervisor that is killed takes its services along, and down clears what it has left', async () => {
  await startBackgroundServices({ stateDir, env, names });
  const running = processes();
  sendSignal(readRecord(stateDir)!.owner.pid, 'SIGKILL');
  await until('they have ended', () => !running.some(isAlive));
  expect(servicesStatus(stateDir).state).toBe('crashed');
  expect(await stopServices(stateDir)).toBe(true);
  expect(servicesStatus(stateDir).state).toBe('stopped');
});
