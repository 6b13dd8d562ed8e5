import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { expect, inject, test, vi } from 'vitest';
import { KafkaBroker } from '../kafka-broker.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');

test('no record of an aborted transaction is read, in whatever order transactions begin and end', async () => {
  const broker = new KafkaBroker({ brokers, clientId: 'aborted-records-test' });
  const topic = `test-${randomUUID()}`;
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const begin = async (name: string) => {
    const producer = kafka.producer({
      ...{ transactionalId: `${topic}-${name}`, idempotent: true, maxInFlightRequests: 1 },
      retry: { initialRetryTime: 20, retries: 20 },
    });
    await producer.connect();
    const transaction = await producer.transaction();
    return {
      send: (value: string, key: Buffer | null = null) =>
        transaction.send({ topic, messages: [{ key, value }] }),
      commit: () => transaction.commit(),
      abort: () => transaction.abort(),
      close: () => producer.disconnect(),
    };
  };
  // A transaction's end is answered before its marker is in the partition: what is sent next could come before it.
  const end = (offset: number) =>
    vi.waitUntil(async () => (await broker.highWatermarks(topic)).get(0) === offset, { timeout: 30_000 });
  const [a, b, c] = [await begin('a'), await begin('b'), await begin('c')];
  // The broker lists aborted transactions by their end: b, then a.
  await a.send('a0 aborted');
  await b.send('b1 aborted');
  await c.send('c2');
  // The key that an abort marker has.
  await b.send('b3 aborted', Buffer.alloc(4));
  await b.send('b4 aborted');
  await a.send('a5 aborted');
  await b.abort();
  await end(7);
  await c.send('c7');
  await a.abort();
  await end(9);
  await c.commit();
  await end(10);
  await Promise.all([a.close(), b.close(), c.close()]);

  const readFrom = async (offset: number) => {
    const values: (string | undefined)[] = [];
    const reader = await broker.read({
      topic,
      from: new Map([[0, offset]]),
      onBatch: ({ records }) => void values.push(...records.map(({ value }) => value?.toString())),
    });
    await reader.reached(await broker.highWatermarks(topic));
    await reader.close();
    return values;
  };
  expect(await readFrom(0)).toEqual(['c2', 'c7']);
  // In the middle of both aborted transactions, at one's record and at the other's.
  expect(await readFrom(3)).toEqual(['c7']);
  expect(await readFrom(5)).toEqual(['c7']);
  expect(await readFrom(7)).toEqual(['c7']);
  await broker.close();
});
