import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaBroker } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clone, Installation } from './installation.ts';

interface Simulated {
  start: string;
  messages: number;
  events: number;
  observations: number;
  duplicates: number;
  late: number;
  broken: number;
  rejected: Record<string, number>;
  interrupted: boolean;
}

/** Each of them sends for six seconds and waits until all of it has landed. */
const patient = { timeout: 180_000 };

let windrow: Installation;
let broker: KafkaBroker;

beforeAll(async () => {
  windrow = await Installation.start();
  broker = new KafkaBroker({
    brokers: must(windrow.endpoints.KAFKA_BROKERS).split(','),
    clientId: 'simulate-test',
  });
}, 300_000);
afterAll(async () => {
  await broker?.close();
  await windrow?.stop();
});

const shape = ['--rate', '200', '--minutes', '0.1', '--users', '100', '--cities', '5', '--faults', '0.2'];

/** Records in a topic, and rows in the tables, at this moment. */
async function counts() {
  const records = async (topic: string) =>
    [...(await broker.endOffsets(topic)).values()].reduce((sum, end) => sum + end, 0);
  const rows = async (table: string) =>
    Number((await windrow.sql(`select count(*)::int as n from ${table}`))[0]?.n);
  return {
    track: await records('track.raw'),
    weather: await records('weather.raw'),
    trackRows: await rows('curated.track_event'),
    weatherRows: await rows('curated.weather_observation'),
  };
}

async function simulated(
  ...args: string[]
): Promise<{ told: Simulated; came: Awaited<ReturnType<typeof counts>> }> {
  const before = await counts();
  const told = JSON.parse(await windrow.windrow('simulate', ...shape, ...args, '--json')) as Simulated;
  await windrow.landed();
  const after = await counts();
  const names = Object.keys(after) as (keyof typeof after)[];
  const came = Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as typeof after;
  return { told, came };
}

const start = ['--start', '2026-03-01T08:00:00Z'];

test('what goes to Kafka is there, all of it, and each of its faults is found', patient, async () => {
  const { told, came } = await simulated('--seed', '7', ...start);
  expect(told).toMatchObject({ events: 1_200, observations: 5, interrupted: false });
  expect(told.messages).toBe(1_205 + told.duplicates);
  expect(Math.min(told.late, told.duplicates, told.broken)).toBeGreaterThan(40);
  expect(came).toEqual({
    track: 1_200 + told.duplicates,
    weather: 5,
    trackRows: 1_200 - told.broken,
    weatherRows: 5,
  });
  const joined = await windrow.sql(
    "select count(*)::int as n from curated.track_event where weather_match = 'matched'",
  );
  expect(joined[0]?.n).toBe(came.trackRows);
});

test('the same simulation again is the same events again: the tables stay as they are', patient, async () => {
  const { told, came } = await simulated('--seed', '7', ...start);
  expect(came).toEqual({ track: 1_200 + told.duplicates, weather: 5, trackRows: 0, weatherRows: 0 });
});

test('what goes through HTTP is there, all of it, and what is broken was rejected', patient, async () => {
  const { told, came } = await simulated('--seed', '8', '--to', 'http', ...start);
  expect(told).toMatchObject({ events: 1_200, observations: 5, interrupted: false });
  const rejected = Object.values(told.rejected).reduce((sum, times) => sum + times, 0);
  expect(rejected).toBe(told.broken);
  expect(came).toEqual({
    track: 1_200 - told.broken + told.duplicates,
    weather: 5,
    trackRows: 1_200 - told.broken,
    weatherRows: 0,
  });
});

test('Ctrl-C ends it and says what was sent', patient, async () => {
  const before = await counts();
  const main = join(clone, 'packages/cli/bin/windrow.mjs');
  const args = ['simulate', '--rate', '500', '--minutes', '10', '--faults', '0', '--seed', '9', '--json'];
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, ...windrow.settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  while ((await counts()).track - before.track < 500 && child.exitCode === null) await sleep(100);
  child.kill('SIGINT');
  expect(await exited).toBe(1);
  const told = JSON.parse(stdout) as Simulated;
  const after = await counts();
  expect(told).toMatchObject({ interrupted: true, events: after.track - before.track });
});
