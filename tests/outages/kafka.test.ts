import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadStreams } from '@windrow/contracts';
import { createTestBucket, readTable } from '@windrow/lake/testing';
import { startSink as startLakeSink } from '@windrow/lake-sink';
import { KafkaBroker } from '@windrow/pipeline';
import { createDatabase } from '@windrow/postgres/testing';
import { startSink as startPostgresSink } from '@windrow/postgres-sink';
import { createLogger, createRegistry, Readiness } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { startStack } from '@windrow/stack';
import { expect, onTestFinished, test } from 'vitest';
import { createOwnStreams } from '../../services/lake-sink/fixtures/own-streams.ts';

const awayMs = 60_000;
const patience = { timeout: 90_000, interval: 250 };

test('Kafka is away for a minute: both sinks say so, go on by themselves, and each event is there once', {
  timeout: 400_000,
}, async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'windrow-kafka-away-'));
  const stack = await startStack({ stateDir, parts: ['kafka', 'registry', 's3', 'postgres'] });
  onTestFinished(async () => {
    await stack.stop();
    rmSync(stateDir, { recursive: true });
  });
  const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '', DATABASE_URL = '' } = stack.endpoints;
  const brokers = KAFKA_BROKERS.split(',');
  const broker = new KafkaBroker({ brokers, clientId: 'outage-test' });
  onTestFinished(() => broker.close());
  const bucket = await createTestBucket(stack.endpoints as Record<string, string>);
  onTestFinished(() => bucket.store.close());
  const { contracts, registry, groupId, encode } = await createOwnStreams(broker, SCHEMA_REGISTRY_URL, 2);
  const database = await createDatabase(DATABASE_URL, await loadStreams());
  onTestFinished(() => database.drop());
  const topic = must(must(contracts.find(({ name }) => name === 'track')).topics.enriched).name;
  const failures: unknown[] = [];
  const said: string[] = [];
  const surroundings = (name: string) => ({
    contracts,
    broker: new KafkaBroker({ brokers, clientId: name, onLog: (_, message) => said.push(message) }),
    schemas: registry,
    metrics: createRegistry(name),
    readiness: new Readiness(),
    log: createLogger(name, 'fatal'),
    signal: new AbortController().signal,
    fail: (error: unknown) => failures.push(error),
  });
  const [lake, postgres] = [surroundings('lake-sink'), surroundings('postgres-sink')];
  const lakeSink = await startLakeSink({
    ...lake,
    groupId,
    store: bucket.store,
    encoder: 'columnar',
    maxWindows: 12,
    memoryBudgetBytes: 64e6,
    limits: { maxRows: 100_000, maxBytes: 32e6, maxAgeMs: 300 },
  });
  onTestFinished(() => lakeSink.stop());
  const limits = { maxRows: 5_000, maxAgeMs: 200, memoryBytes: 64e6 };
  const postgresSink = await startPostgresSink({
    ...{ ...postgres, databaseUrl: database.url, limits },
    groupId: `${groupId}-postgres`,
  });
  onTestFinished(() => postgresSink.stop());

  const send = async (from: number, count: number) => {
    const events = Array.from({ length: count }, (_, n) => ({
      event_id: `e${from + n}`,
      type: 'track',
      occurred_at: Date.UTC(2013, 0, 1) + (from + n) * 1_000,
      received_at: Date.UTC(2013, 0, 1),
    }));
    const producer = await broker.producer();
    await producer.send([{ topic, records: encode(topic, events) }]);
    await producer.close();
  };
  const counts = async () => {
    const { rows } = await readTable(bucket.store, 'curated/track');
    const [inPostgres] = await database.sql<{ n: number }>(
      'SELECT count(*)::int AS n FROM curated.track_event',
    );
    const lakeIds = new Set(rows.map((row) => row.event_id)).size;
    return { lake: rows.length, lakeIds, postgres: inPostgres?.n };
  };
  const all = (count: number) => ({ lake: count, lakeIds: count, postgres: count });

  await send(0, 500);
  await expect.poll(counts, patience).toEqual(all(500));
  await stack.stopPart('kafka', { signal: 'SIGKILL' });
  const away = sleep(awayMs);
  for (const { readiness } of [lake, postgres])
    await expect.poll(() => readiness.reasons(), patience).toHaveProperty('broker');
  await away;
  await stack.startPart('kafka');
  await send(500, 500);
  await expect.poll(counts, patience).toEqual(all(1_000));
  for (const { readiness } of [lake, postgres])
    await expect.poll(() => readiness.reasons(), patience).toEqual({});
  expect(failures).toEqual([]);
  expect(said.length).toBeGreaterThan(0);
  expect(said.length).toBeLessThan(100);
});
