import assert from 'node:assert';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AvroRegistry, loadStreams } from '@windrow/contracts';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { defaultStateDir } from '../state.ts';
import { isAlive, type ProcessIdentity, sendSignal } from '../supervision/process-identity.ts';
import { servicesStatus, startBackgroundServices, stopServices } from './background.ts';
import { askReady } from './health.ts';
import type { ServiceRecord } from './record.ts';
import { type Services, startServices } from './services.ts';

// The producer represents all services: it only needs the registry and the topics.
const names = ['producer'] as const;
let stateDir: string;
let env: NodeJS.ProcessEnv;
let services: Services | undefined;

beforeAll(async () => {
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = inject('endpoints');
  const broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'services-test' });
  try {
    const registry = new AvroRegistry(SCHEMA_REGISTRY_URL);
    await applyStreams(await loadStreams(), { broker, registry, partitions: 4 });
  } finally {
    await broker.close();
  }
});
beforeEach(() => {
  const runs = path.join(defaultStateDir, 'test');
  mkdirSync(runs, { recursive: true });
  stateDir = mkdtempSync(path.join(runs, 'services-'));
  env = { ...process.env, ...inject('endpoints') };
});

afterEach(async () => {
  await services?.stop();
  services = undefined;
  await stopServices(stateDir);
  rmSync(stateDir, { recursive: true, force: true });
});

function only(records: ServiceRecord[]): ServiceRecord {
  const [record] = records;
  assert(record && records.length === 1);
  return record;
}

/** The keeper and the service itself. */
function processes(): ProcessIdentity[] {
  const [service] = servicesStatus(stateDir).services;
  return [service?.keeper, service?.process].filter((identity) => identity !== undefined);
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within 30 s: ${what}`);
    await sleep(50);
  }
}

test('a service that dies is restarted on its own ports, and stop leaves no process', async () => {
  services = await startServices({ stateDir, env, names });
  const record = only(services.records);
  const first = record.process;
  expect(await askReady(record)).toEqual({ ready: true, reasons: [] });

  services.signalService('producer', 'SIGKILL');
  await until('it is restarted', () => record.state === 'ready' && record.restarts === 1);
  expect(record.process?.pid).not.toBe(first?.pid);
  expect((await askReady(record)).ready).toBe(true);

  const running = processes();
  expect(running).toHaveLength(2);
  await services.stop();
  expect(running.filter(isAlive)).toEqual([]);
  expect(servicesStatus(stateDir).state).toBe('stopped');
});

test('a service can be stopped and started, and Prometheus gets its address', async () => {
  services = await startServices({ stateDir, env, names });
  const record = only(services.records);
  const targets = readFileSync(path.join(stateDir, 'prometheus/targets.json'), 'utf8');
  expect(targets).toContain(`127.0.0.1:${record.ports.admin}`);
  await services.stopService('producer');
  expect(record.state).toBe('stopped');
  expect((await askReady(record)).ready).toBe(false);
  await services.startService('producer');
  expect((await askReady(record)).ready).toBe(true);
});

test('a service that cannot start is named with the end of its log, and nothing is left running', async () => {
  const faulty = { ...env, KAFKA_BROKERS: 'nonsense' };
  const failure = await startServices({ stateDir, env: faulty, names }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'SERVICE_FAILED' });
  expect((failure as Error).message).toMatch(/^producer ended with exit code 2 before it was ready\./);
  expect((failure as Error).message).toContain('KAFKA_BROKERS: "nonsense" is not valid');
  expect(existsSync(path.join(stateDir, 'services.json'))).toBe(false);
});

test('background services outlive the process that started them, a second start finds them, and down stops them', async () => {
  const records = await startBackgroundServices({ stateDir, env, names });
  expect((await askReady(only(records))).ready).toBe(true);
  const again = await startBackgroundServices({ stateDir, env, names });
  expect(only(again).process).toEqual(only(records).process);
  const running = processes();
  expect(await stopServices(stateDir)).toBe(true);
  expect(running.filter(isAlive)).toEqual([]);
  expect(await stopServices(stateDir)).toBe(false);
});

test('services stop when their supervisor is killed, and down removes its record', async () => {
  await startBackgroundServices({ stateDir, env, names });
  const running = processes();
  const { supervisorPid } = servicesStatus(stateDir);
  assert(supervisorPid !== undefined);
  sendSignal(supervisorPid, 'SIGKILL');
  await until('they have ended', () => !running.some(isAlive));
  expect(servicesStatus(stateDir).state).toBe('crashed');
  expect(await stopServices(stateDir)).toBe(true);
  expect(servicesStatus(stateDir).state).toBe('stopped');
});
