import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AvroRegistry } from '@windrow/contracts';
import { GroupCommit, KafkaBroker } from '@windrow/pipeline';
import { ownStream, recordsOf, stackConfig } from '@windrow/pipeline/testing';
import { createLogger, createRegistry, loadConfig, Readiness } from '@windrow/runtime';
import { type Stack, startStack } from '@windrow/stack';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openToAll } from '../fixtures/access.ts';
import { basic, ownKeys } from '../fixtures/instance.ts';
import { producerMetrics } from './metrics.ts';
import { createServer, openIntakes } from './server.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'windrow-outage-'));
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ stateDir, parts: ['kafka', 'registry'] });
});
afterAll(async () => {
  await stack.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

it('accepts again by itself when Kafka is back, and has lost nothing that it had accepted', async () => {
  const endpoints = loadConfig(stackConfig, stack.endpoints);
  const registry = new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL);
  const broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS, clientId: 'outage-test' });
  const stream = await ownStream(broker, 'track', 2);
  const readiness = new Readiness();
  const metrics = producerMetrics(createRegistry('producer'));
  const commit = new GroupCommit(broker, { metrics, readiness });
  await commit.open();
  const app = createServer(
    {
      ...(await openIntakes([stream], registry)),
      commit,
      access: openToAll(),
      metrics,
      log: createLogger('test', 'fatal'),
    },
    { ackTimeoutMs: 500 },
  );
  const accepted: string[] = [];
  const post = async () => {
    const messageId = randomUUID();
    const payload = {
      type: 'track',
      event: 'E',
      messageId,
      userId: 'u',
      timestamp: new Date().toISOString(),
    };
    const { statusCode } = await app.inject({ method: 'POST', url: '/v1/track', payload });
    if (statusCode === 200) accepted.push(messageId);
    return statusCode;
  };
  expect(await post()).toBe(200);

  await stack.stopPart('kafka', { signal: 'SIGKILL' });
  expect(await Promise.all([post(), post(), post()])).toEqual([503, 503, 503]);
  await vi.waitFor(() => expect(readiness.ready).toBe(false), { timeout: 60_000, interval: 200 });

  await stack.startPart('kafka');
  await vi.waitFor(() => expect(readiness.ready).toBe(true), { timeout: 60_000, interval: 200 });
  await vi.waitFor(async () => expect(await post()).toBe(200), { timeout: 60_000, interval: 200 });
  expect(new Set(await Promise.all(Array.from({ length: 100 }, post)))).toEqual(new Set([200]));

  const ids = (await recordsOf(broker, registry, stream)).map((record) => record.event_id as string);
  expect(accepted.filter((id) => !ids.includes(id))).toEqual([]);
  expect(accepted).toHaveLength(102);
  await app.close();
  await commit.close();
  await broker.close();
}, 180_000);

it('goes by the write keys that it knows while Kafka is away, and hears of others and of revocations when it is back', async () => {
  const endpoints = loadConfig(stackConfig, stack.endpoints);
  const registry = new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL);
  const broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS, clientId: 'outage-test' });
  const keys = await ownKeys(broker, registry, [await ownStream(broker, 'track', 1)]);
  const unlimited = { source: 'app', streams: null, events_per_second: null, events_per_day: null };
  const { key, record } = await keys.store.add(unlimited);
  const instance = await keys.startInstance();
  // The key is accepted and the content type is rejected, so no event is accepted.
  const statusOf = async (writeKey: string) =>
    (await instance.post('/v1/track', '', { ...basic(writeKey), 'content-type': 'text/csv' })).statusCode;

  await stack.stopPart('kafka', { signal: 'SIGKILL' });
  expect([await statusOf(key), await statusOf('wrong')]).toEqual([415, 401]);

  await stack.startPart('kafka');
  const added = await keys.store.add(unlimited);
  await keys.store.revoke(record.id);
  const patiently = { timeout: 90_000, interval: 200 };
  await vi.waitFor(
    async () => expect([await statusOf(key), await statusOf(added.key)]).toEqual([401, 415]),
    patiently,
  );
  expect(instance.failures).toEqual([]);
  await instance.stop();
  await broker.close();
}, 240_000);
