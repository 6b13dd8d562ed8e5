import { randomUUID } from 'node:crypto';
import { AvroRegistry } from '@windrow/contracts';
import { type Broker, KafkaBroker } from '@windrow/pipeline';
import { createLogger, createRegistry, Readiness, WindrowError } from '@windrow/runtime';
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest';
import { SinkRunner } from './sink-runner.ts';
import { MemoryDestination, MemoryStore } from './testing/memory-destination.ts';

const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = inject('endpoints');
const patience = { timeout: 60_000, interval: 50 };
let broker: KafkaBroker;

beforeAll(() => {
  broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'sink-runner-test' });
});
afterAll(() => broker.close());

/** A topic of one partition with ten records, and a runner that has not started. */
async function installation(retainedFrom = 0) {
  const topic = `runner.${randomUUID()}`;
  const config = { 'message.timestamp.type': 'LogAppendTime' };
  await broker.createTopics([{ name: topic, partitions: 1, config }]);
  const producer = await broker.producer();
  const records = Array.from({ length: 10 }, (_, index) => ({
    key: null,
    value: Buffer.from(String(index)),
  }));
  await producer.send([{ topic, records }]);
  await producer.close();
  const store = new MemoryStore();
  const destination = new MemoryDestination(topic, store);
  const readiness = new Readiness();
  const failures: unknown[] = [];
  // Kafka deletes records by whole segments, and only some time after their retention.
  const brokerOfSink: Broker = new Proxy<Broker>(broker, {
    get(target, name) {
      if (name === 'startOffsets') return async () => new Map([[0, retainedFrom]]);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const runner = new SinkRunner({
    ...{ intake: 'records', destinations: [destination], lanesPerTopic: 1 },
    limits: { maxRows: 100, maxBytes: 1e6, maxAgeMs: 50 },
    memoryBytes: 1e6,
    ...{ groupId: topic, service: 'sink-runner-test', version: '1' },
    ...{
      broker: brokerOfSink,
      schemas: new AvroRegistry(SCHEMA_REGISTRY_URL),
      registry: createRegistry('sink'),
    },
    ...{ readiness, log: createLogger('sink-runner-test', 'fatal') },
    metrics: {
      fillSeconds: { observe: () => undefined },
      retries: { inc: () => undefined },
      conflicts: { inc: () => undefined },
    },
    fail: (error) => failures.push(error),
  });
  const start = async () => {
    onTestFinished(() => runner.stop());
    await runner.start(new AbortController().signal);
  };
  return { topic, store, destination, readiness, failures, start };
}

test('it is ready when it has its partitions, and says why it does not get them', async () => {
  const { store, destination, readiness, start } = await installation();
  expect(readiness.reasons()).toEqual({ assignment: 'waiting for partitions' });
  const claim = vi.spyOn(destination, 'claim');
  const error = new WindrowError('SERVICE_FAILED', 'the store is away', { retriable: true });
  let isAway = true;
  const { claim: original } = MemoryDestination.prototype;
  claim.mockImplementation((partitions) =>
    isAway ? Promise.reject(error) : original.call(destination, partitions),
  );
  await start();
  await vi.waitFor(() => expect(readiness.reasons()).toEqual({ assignment: 'the store is away' }), patience);
  isAway = false;
  await vi.waitFor(() => expect(store.rows).toHaveLength(10), patience);
  expect(readiness.reasons()).toEqual({});
});

test('records that Kafka has deleted before they landed are counted, and the others land', async () => {
  const { store, destination, start } = await installation(6);
  store.ledger.set(0, { epoch: 1, nextOffset: 4 });
  const onExpired = vi.spyOn(destination, 'onExpired');
  await start();
  await vi.waitFor(() => expect(store.rows).toEqual(['6', '7', '8', '9']), patience);
  expect(onExpired.mock.calls).toEqual([[2]]);
  expect(store.ledger.get(0)?.nextOffset).toBe(10);
});

test('a partition that has no ledger yet has lost nothing', async () => {
  const { store, destination, start } = await installation(6);
  const onExpired = vi.spyOn(destination, 'onExpired');
  await start();
  await vi.waitFor(() => expect(store.rows).toEqual(['6', '7', '8', '9']), patience);
  expect(onExpired).not.toHaveBeenCalled();
});

test('a ledger ahead of its topic stops the sink, and the error says what to do', async () => {
  const { topic, store, failures, start } = await installation();
  store.ledger.set(0, { epoch: 1, nextOffset: 11 });
  await start();
  await vi.waitFor(() => expect(failures).toHaveLength(1), patience);
  expect(failures[0]).toMatchObject({ code: 'LEDGER_AHEAD', retriable: false });
  expect(String(failures[0])).toContain(
    `the ledger of memory is at offset 11 of ${topic}/0, but the partition ends at 10: the topic was deleted and created again. To load the topic from its start, restart the process`,
  );
  expect(store.rows).toEqual([]);
});
