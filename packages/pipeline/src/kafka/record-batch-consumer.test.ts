import { randomUUID } from 'node:crypto';
import type { TopicPartition } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';

import { expectSame } from './fixtures/both-paths.ts';
import { collector, until, withConsumer } from './fixtures/collector.ts';
import { KafkaBroker } from './kafka-broker.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');
let broker: KafkaBroker;

beforeAll(() => {
  broker = new KafkaBroker({ brokers, clientId: 'record-batch-consumer-test' });
});
afterAll(() => broker.close());

async function newTopic(partitions = 1, config: Record<string, string> = {}): Promise<string> {
  const name = `test-${randomUUID()}`;
  await broker.createTopics([{ name, partitions, config }]);
  return name;
}

async function send(topic: string, values: string[], partition = 0): Promise<void> {
  const producer = await broker.producer();
  await producer.send([
    { topic, records: values.map((value) => ({ key: null, value: Buffer.from(value), partition })) },
  ]);
  await producer.close();
}

test('records of aborted transactions are left out as on the plain path, wherever it begins', async () => {
  const topic = await newTopic();
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const begin = async (name: string) => {
    const producer = kafka.producer({
      ...{ transactionalId: `${topic}-${name}`, idempotent: true, maxInFlightRequests: 1 },
      retry: { initialRetryTime: 20, retries: 20 },
    });
    await producer.connect();
    const transaction = await producer.transaction();
    return {
      send: (values: string[]) =>
        transaction.send({ topic, messages: values.map((value) => ({ value, key: Buffer.alloc(4) })) }),
      end: async (how: 'commit' | 'abort') => {
        const end = (await broker.highWatermarks(topic)).get(0) ?? 0;
        await transaction[how]();
        // The end is answered before its marker is in the partition: what is sent next could come before it.
        await vi.waitUntil(async () => (await broker.highWatermarks(topic)).get(0) === end + 1, 30_000);
        await producer.disconnect();
      },
    };
  };
  const [a, b, c] = [await begin('a'), await begin('b'), await begin('c')];
  await a.send(['a0 aborted', 'a1 aborted']);
  await b.send(['b2 aborted']);
  await c.send(['c3', 'c4']);
  await b.send(['b5 aborted']);
  await b.end('abort');
  await send(topic, ['plain 7']);
  await c.send(['c8']);
  await a.end('abort');
  await c.end('commit');
  const b2 = await begin('b');
  await b2.send(['b11', 'b12']);
  await b2.end('commit');
  const end = (await broker.endOffsets(topic)).get(0) ?? 0;
  for (let start = 0; start < end; start++) {
    const values = (await expectSame(broker, topic, start)).map(({ value }) => String(value));
    const all = { c3: 3, c4: 4, 'plain 7': 7, c8: 8, b11: 11, b12: 12 };
    expect(values).toEqual(Object.entries(all).flatMap(([value, at]) => (at >= start ? [value] : [])));
  }
});

test('positions that compaction has emptied are passed, also where only control records follow', async () => {
  const topic = await newTopic(1, {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.001',
    'segment.ms': '200',
  });
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ transactionalId: randomUUID() });
  await producer.connect();
  const transact = async (name: string, end: 'commit' | 'abort') => {
    const transaction = await producer.transaction();
    const keys = ['k', 'k', `only ${name}`, 'k', 'k'];
    const messages = keys.map((key, index) => ({ key, value: `${name}${index}` }));
    await transaction.send({ topic, messages });
    await transaction[end]();
  };
  for (const round of ['a', 'b']) await transact(round, 'commit');
  let kept: string[] = [];
  await vi.waitFor(
    async () => {
      // A newer segment has to begin before the one before it is cleaned, of what was aborted too.
      await transact('never', 'abort');
      kept = (await expectSame(broker, topic)).map(({ value }) => String(value));
      expect(kept).toEqual(['a2', 'b2', 'b4']);
    },
    { timeout: 60_000, interval: 1_000 },
  );
  await producer.disconnect();
  for (const [start, first] of Object.entries({ 1: 0, 2: 0, 3: 1, 7: 1, 9: 2, 10: 2, 11: 3, 13: 3, 17: 3 }))
    expect((await expectSame(broker, topic, Number(start))).map(({ value }) => String(value))).toEqual(
      kept.slice(first),
    );
}, 180_000);

test('after a retriable failure it begins within a batch; another failure stops the consumer', async () => {
  const topic = await newTopic();
  await send(topic, ['a', 'b', 'c']);
  const { values, handler, assignments } = collector(async ({ firstOffset }) => {
    if (firstOffset === 0) throw new WindrowError('S3_FAILED', 'away', { retriable: true });
  });
  let start = 0;
  const options = { groupId: randomUUID(), topics: [topic], concurrency: 1 };
  const assigned = async (of: TopicPartition[]) => {
    await handler.assigned(of);
    return of.map((one) => ({ ...one, offset: start++ }));
  };
  const consumer = await broker.consume({ ...options, handler: { ...handler, assigned } });
  await withConsumer(consumer, () => until(() => expect(values()).toEqual(['b', 'c'])));
  expect(assignments).toHaveLength(2);

  const recordBatches = async () => Promise.reject(new Error('not known'));
  const poisoned = await broker.consume({
    ...{ ...options, groupId: randomUUID() },
    handler: { assigned: async (of) => of.map((one) => ({ ...one, offset: 0 })), recordBatches },
  });
  await expect(poisoned.failed).rejects.toThrow('not known');
  await poisoned.stop();
});

test('a second member takes its share, and what the handler calls reads as it wants', async () => {
  const topic = await newTopic(4);
  const other = await newTopic();
  await send(other, ['x', 'y']);
  const read: string[] = [];
  // Within a handler of record batches, a consumer of plain records.
  const readOther = async () => {
    const reader = await broker.read({
      topic: other,
      onBatch: ({ records }) => void read.push(...records.map(({ value }) => String(value))),
    });
    await reader.reached(new Map([[0, 2]]));
    await reader.close();
  };
  const groupId = randomUUID();
  const [one, two] = [collector(readOther), collector()];
  const first = await broker.consume({ groupId, topics: [topic], handler: one.handler, concurrency: 4 });
  await until(() => expect(one.assignments.at(-1)).toHaveLength(4));
  const second = await broker.consume({ groupId, topics: [topic], handler: two.handler, concurrency: 4 });
  await until(() => {
    expect(one.assignments.at(-1)).toHaveLength(2);
    expect(two.assignments.at(-1)).toHaveLength(2);
  });
  for (const partition of [0, 1, 2, 3]) await send(topic, [`p${partition}`], partition);
  await withConsumer(first, () =>
    withConsumer(second, () =>
      until(() => expect([...one.values(), ...two.values()].sort()).toEqual(['p0', 'p1', 'p2', 'p3'])),
    ),
  );
  expect(read.join('')).toMatch(/^(xy)+$/);
});

test('fetches use the same bytes again, and never those of a fetch that is being handled', async () => {
  const topic = await newTopic();
  const producer = await broker.producer();
  const count = 8_000;
  const textOf = (offset: number) => `${offset} `.padEnd(8_000, String(offset));
  const records = Array.from({ length: count }, (_, offset) => ({
    key: null,
    value: Buffer.from(textOf(offset)),
  }));
  await producer.send([{ topic, records }]);
  await producer.close();
  const buffers = new Set<ArrayBufferLike>();
  const fast = { read: 0, fetches: 0, meanwhile: async () => undefined as unknown };
  const slow = {
    ...fast,
    meanwhile: () => {
      const seen = fast.fetches;
      return vi.waitUntil(() => fast.read === count || fast.fetches > seen + 3, {
        timeout: 30_000,
        interval: 1,
      });
    },
  };
  const readBy = (reader: typeof fast) =>
    broker.consume({
      ...{ groupId: randomUUID(), topics: [topic], concurrency: 1 },
      handler: {
        assigned: async (of) => of.map((one) => ({ ...one, offset: 0 })),
        async recordBatches({ batches }) {
          reader.fetches += 1;
          for (const { source } of batches) buffers.add(source.buffer);
          await reader.meanwhile();
          for (const { count: inBatch, source, offsets, valueStarts, valueEnds } of batches)
            for (let index = 0; index < inBatch; index++) {
              const value = source.toString('latin1', valueStarts[index], valueEnds[index]);
              if (value === textOf(offsets[index] ?? -1)) reader.read += 1;
            }
        },
      },
    });
  const [slowConsumer, fastConsumer] = await Promise.all([readBy(slow), readBy(fast)]);
  const areThrough = () => until(() => expect([slow.read, fast.read]).toEqual([count, count]));
  await withConsumer(slowConsumer, () => withConsumer(fastConsumer, areThrough));
  // A MiB each.
  expect(fast.fetches).toBeGreaterThan(14);
  expect(slow.fetches).toBeGreaterThan(14);
  expect(buffers.size).toBeLessThan(10);
});
