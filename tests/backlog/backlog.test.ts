import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { AvroRegistry, loadStreams } from '@windrow/contracts';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import { defaultStateDir, type Stack, startStack } from '@windrow/stack';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drain } from './drain.ts';
import { generate } from './generate.ts';

const patienceMs = 600_000;
const events = 200_000;
const dates = 400;
/** A quarter of the backlog's size: if a sink held the backlog in memory, this limit would show it. */
const budgetBytes = 32 * 2 ** 20;

let stack: Stack;
let stateDir: string;
let env: Record<string, string>;

// A stack of its own, because the services' topics and groups have fixed names.
beforeAll(async () => {
  const runs = path.join(defaultStateDir, 'test');
  mkdirSync(runs, { recursive: true });
  stateDir = mkdtempSync(path.join(runs, 'backlog-'));
  stack = await startStack({ stateDir, parts: ['kafka', 'registry', 's3', 'postgres'] });
  env = { ...(process.env as Record<string, string>), ...stack.endpoints };
  const broker = new KafkaBroker({ brokers: must(env.KAFKA_BROKERS).split(','), clientId: 'backlog-test' });
  const registry = new AvroRegistry(must(env.SCHEMA_REGISTRY_URL));
  await applyStreams(await loadStreams(), { broker, registry, partitions: 16 });
  await broker.close();
  const { bytes } = await generate({ events, dates, order: 'shuffled', paddingBytes: 320, env });
  expect(bytes).toBeGreaterThan(3.5 * budgetBytes);
}, patienceMs);
afterAll(async () => {
  await stack?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

interface Case {
  service: 'lake-sink' | 'postgres-sink';
  settings: Record<string, string>;
  mostRssMiB: number;
}

test.each<Case>([
  {
    service: 'lake-sink',
    // The last events would wait for a minute.
    settings: { LAKE_MEMORY_BUDGET_BYTES: String(budgetBytes), LAKE_MAX_AGE_SECONDS: '10' },
    mostRssMiB: 450,
  },
  { service: 'postgres-sink', settings: { POSTGRES_MEMORY_BYTES: String(budgetBytes) }, mostRssMiB: 350 },
])(
  '$service works off a backlog four times its memory budget, on 400 dates in no order, within the budget and in large steps',
  async ({ service, settings, mostRssMiB }) => {
    const drained = await drain({ service, events, env: { ...env, ...settings } });
    expect(drained.rows).toBe(events);
    expect(drained.mostHeldBytes).toBeLessThan(1.1 * budgetBytes);
    if (service === 'lake-sink') expect(drained.mostHeldBytes).toBeGreaterThan(0.5 * budgetBytes);
    expect(drained.peakRssMiB).toBeLessThan(mostRssMiB);
    // The number of dates must not determine how many rows a commit or a transaction has.
    expect(drained.rows / drained.microBatches).toBeGreaterThan(5 * dates);
  },
  patienceMs,
);
