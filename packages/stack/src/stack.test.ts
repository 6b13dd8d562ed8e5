import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WindrowError } from '@windrow/runtime';
import pg from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import { askStack } from './answers.ts';
import { stackStatus, startBackgroundStack, stopStack } from './background.ts';
import { checkKafka, checkPostgres, checkPrometheus, checkRegistry, checkS3 } from './ready.ts';
import { setScrapeTargets } from './scrape-targets.ts';
import { type Stack, startStack } from './stack.ts';
import { partNames, readStackEnv } from './state.ts';
import { identify, processesOf } from './supervision/process-identity.ts';
import { listeningAddresses } from './testing/listening-addresses.ts';

// Each starts and stops real parts, some of them twice; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 240_000 });

const directories: string[] = [];
const stacks: Stack[] = [];

function freshDir(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'windrow-stack-'));
  directories.push(directory);
  return directory;
}

async function start(options: Parameters<typeof startStack>[0]): Promise<Stack> {
  const stack = await startStack(options);
  stacks.push(stack);
  return stack;
}

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const stack of stacks.splice(0)) await stack.stop();
  for (const directory of directories.splice(0)) {
    if (stackStatus(directory).supervisorPid !== process.pid) await stopStack(directory);
    rmSync(directory, { recursive: true, force: true });
  }
});

async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 40_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(50);
  }
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('the whole stack in the background: ready, on loopback only, down without a trace', async () => {
  const stateDir = freshDir();
  const lines: string[] = [];
  const endpoints = await startBackgroundStack({ stateDir, log: (line) => lines.push(line) });
  const names = stackStatus(stateDir).parts.map((part) => part.name);
  expect(names).toEqual(partNames.filter((name) => name !== 'prometheus' || endpoints.PROMETHEUS_URL));
  expect(lines).toEqual(
    expect.arrayContaining(names.map((name) => expect.stringContaining(`${name}: ready`))),
  );

  // Ready: each does it at the first attempt, with no waiting.
  await checkKafka(endpoints.KAFKA_BROKERS as string);
  await checkRegistry(endpoints.SCHEMA_REGISTRY_URL as string);
  await checkS3(endpoints);
  await checkPostgres(endpoints.DATABASE_URL as string, 'windrow');
  if (endpoints.PROMETHEUS_URL) await checkPrometheus(endpoints.PROMETHEUS_URL);

  expect(readStackEnv(stateDir)).toEqual(endpoints);
  expect(statSync(path.join(stateDir, 'stack.env')).mode & 0o077).toBe(0);
  expect(stackStatus(stateDir).state).toBe('ready');
  expect(await startBackgroundStack({ stateDir })).toEqual(endpoints);

  // A part that is stopped has its port and its process, and gives no answer.
  expect(await askStack(stateDir)).toMatchObject({ state: 'ready' });
  for (const { name, process: child } of stackStatus(stateDir).parts) {
    process.kill(child?.pid as number, 'SIGSTOP');
    try {
      const { state, parts: asked } = await askStack(stateDir);
      const silent = asked.filter((part) => part.state === 'silent');
      expect({ state, silent: silent.map((part) => part.name) }).toEqual({ state: 'silent', silent: [name] });
      expect(silent[0]?.failure).toMatch(/^it does not answer: /);
    } finally {
      process.kill(child?.pid as number, 'SIGCONT');
    }
  }

  const addresses = listeningAddresses(new Set(processesOf(stateDir).map(({ pid }) => pid)));
  expect(addresses.length).toBeGreaterThanOrEqual(names.length + 1);
  for (const address of addresses)
    expect(address).toMatch(/^(127\.0\.0\.1|(0000:){5}ffff:7f00:0001|(0000:){7}0001)$/);

  await stopStack(stateDir);
  expect(processesOf(stateDir)).toEqual([]);
  expect(stackStatus(stateDir).state).toBe('stopped');
  expect(existsSync(path.join(stateDir, 'data'))).toBe(false);
  expect(readdirSync(path.join(stateDir, 'logs'))).toContain('kafka.log');
  expect(() => readStackEnv(stateDir)).toThrow(/no stack runs in .*windrow stack up/);
});

test('kill -9 of the supervisor takes its parts along; the next start says crashed, and begins afresh', async () => {
  const stateDir = freshDir();
  const parts = ['postgres', 's3', 'registry', 'kafka'] as const;
  await startBackgroundStack({ stateDir, parts });
  const ports = stackStatus(stateDir).parts.map((part) => part.ports);
  process.kill(stackStatus(stateDir).supervisorPid as number, 'SIGKILL');
  await until('no process of the stack is left', () => processesOf(stateDir).length === 0);
  expect(stackStatus(stateDir).state).toBe('crashed');

  await startBackgroundStack({ stateDir, parts });
  expect(stackStatus(stateDir).parts.map((part) => part.ports)).toEqual(ports);
});

test('down ends parts whose supervisor and keepers were all killed', async () => {
  const stateDir = freshDir();
  await startBackgroundStack({ stateDir, parts: ['postgres', 's3'] });
  const { supervisorPid, parts } = stackStatus(stateDir);
  // Paused, the supervisor can't see its keepers die; without them nobody is left to end the parts.
  process.kill(supervisorPid as number, 'SIGSTOP');
  for (const { pid } of processesOf(stateDir)) {
    if (/\/\w*sh$/.test(readlinkSync(`/proc/${pid}/exe`))) process.kill(pid, 'SIGKILL');
  }
  process.kill(supervisorPid as number, 'SIGKILL');
  await until('the supervisor is gone', () => stackStatus(stateDir).state === 'crashed');
  for (const part of parts) expect(identify(part.process?.pid as number)).toEqual(part.process);

  const { leftovers } = await stopStack(stateDir);
  expect(leftovers).toBeGreaterThanOrEqual(2);
  expect(processesOf(stateDir)).toEqual([]);
});

test('a process that got the id of a dead part is left alone', async () => {
  const stateDir = freshDir();
  await startBackgroundStack({ stateDir, parts: ['postgres'] });
  process.kill(stackStatus(stateDir).supervisorPid as number, 'SIGKILL');
  await until('no process of the stack is left', () => processesOf(stateDir).length === 0);
  const bystander = spawn('sleep', ['600'], { stdio: 'ignore' });
  try {
    const recordFile = path.join(stateDir, 'stack.json');
    const record = JSON.parse(readFileSync(recordFile, 'utf8'));
    record.processes[0].process.pid = bystander.pid;
    record.processes[0].keeper.pid = bystander.pid;
    writeFileSync(recordFile, JSON.stringify(record));
    await stopStack(stateDir);
    expect(identify(bystander.pid as number)).toBeDefined();
  } finally {
    bystander.kill('SIGKILL');
  }
});

test('a part that is killed is named with the end of its log, and starts again on its port with its data', async () => {
  const deaths: WindrowError[] = [];
  const stateDir = freshDir();
  const stack = await start({ stateDir, parts: ['postgres'], onPartDied: (error) => deaths.push(error) });
  const url = stack.endpoints.DATABASE_URL as string;
  await query(url, 'CREATE TABLE kept AS SELECT 7 AS answer');
  await expect(query(url, 'SELECT no_such_column FROM kept')).rejects.toThrow('no_such_column');

  stack.signalPart('postgres', 'SIGKILL');
  await until('its death is told', () => deaths.length > 0);
  expect(deaths[0]).toBeInstanceOf(WindrowError);
  expect(deaths[0]?.code).toBe('STACK_PART_FAILED');
  expect(deaths[0]?.message).toContain('postgres was ended by SIGKILL');
  expect(deaths[0]?.message).toContain('column "no_such_column" does not exist');
  expect(stackStatus(stateDir).state).toBe('failed');

  await stack.startPart('postgres');
  expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 7 }]);
  await stack.restartPart('postgres');
  expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 7 }]);
  expect(stackStatus(stateDir).state).toBe('ready');
  expect(deaths).toHaveLength(1);
});

test('a part does not outlive its keeper', async () => {
  const deaths: WindrowError[] = [];
  const stateDir = freshDir();
  const stack = await start({ stateDir, parts: ['s3'], onPartDied: (error) => deaths.push(error) });
  process.kill(stack.parts[0]?.keeper?.pid as number, 'SIGKILL');
  await until('its death is told', () => deaths.length > 0);
  await until('no process of the stack is left', () => processesOf(stateDir).length === 0);
});

test('a part that cannot start fails the start at once with its log, and nothing is left running', async () => {
  const stateDir = freshDir();
  vi.stubEnv('JAVA_TOOL_OPTIONS', '-XX:NoSuchOption=1');
  const starting = startStack({ stateDir, parts: ['postgres', 'registry'] });
  await expect(starting).rejects.toThrow(
    /registry ended with exit code 1 before it was ready[\s\S]*registry\.log:[\s\S]*Unrecognized VM option/,
  );
  expect(processesOf(stateDir)).toEqual([]);
  expect(stackStatus(stateDir).state).toBe('stopped');
});

test('two stacks side by side share no port, no file and no end', async () => {
  const [one, two] = await Promise.all([
    start({ stateDir: freshDir(), parts: ['postgres', 's3'] }),
    start({ stateDir: freshDir(), parts: ['postgres', 's3'] }),
  ]);
  await expect(startStack({ stateDir: one.stateDir, parts: ['postgres'] })).rejects.toThrow(/already ready/);
  expect(one.endpoints.S3_ENDPOINT).not.toBe(two.endpoints.S3_ENDPOINT);
  await query(one.endpoints.DATABASE_URL as string, 'CREATE TABLE mine ()');
  await expect(query(two.endpoints.DATABASE_URL as string, 'TABLE mine')).rejects.toThrow('does not exist');

  await one.stop();
  await checkPostgres(two.endpoints.DATABASE_URL as string, 'windrow');
  await checkS3(two.endpoints);
});

test('up after down starts with no data', async () => {
  const stateDir = freshDir();
  const first = await start({ stateDir, parts: ['postgres'] });
  await query(first.endpoints.DATABASE_URL as string, 'CREATE TABLE gone ()');
  await first.stop();
  const second = await start({ stateDir, parts: ['postgres'] });
  await expect(query(second.endpoints.DATABASE_URL as string, 'TABLE gone')).rejects.toThrow(
    'does not exist',
  );
});

test('Kafka and the registry keep their data over a crash of their own', async () => {
  const stack = await start({ stateDir: freshDir(), parts: ['kafka', 'registry'] });
  const subject = `${stack.endpoints.SCHEMA_REGISTRY_URL}/subjects/kept-value/versions`;
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const registered = await fetch(subject, { method: 'POST', headers, body: '{"schema":"\\"long\\""}' });
  expect(registered.status).toBe(200);
  await Promise.all([
    stack.restartPart('registry', { signal: 'SIGKILL' }),
    stack.restartPart('kafka', { signal: 'SIGKILL' }),
  ]);
  expect(await (await fetch(subject)).json()).toEqual([1]);
  await checkKafka(stack.endpoints.KAFKA_BROKERS as string);
});

test('Prometheus scrapes what it is told to', async () => {
  const stack = await start({ stateDir: freshDir(), parts: ['prometheus'] });
  const url = stack.endpoints.PROMETHEUS_URL as string;
  setScrapeTargets(stack.stateDir, [{ job: 'itself', address: new URL(url).host }]);
  await until('its own series are there', async () => {
    const answer = await fetch(
      `${url}/api/v1/query?query=${encodeURIComponent('up{service="itself"} == 1')}`,
    );
    const { data } = (await answer.json()) as { data: { result: unknown[] } };
    return data.result.length === 1;
  });
});
