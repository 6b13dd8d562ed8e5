import { randomUUID } from 'node:crypto';
import type { TopicPartition } from '@windrow/contracts';
import { expect, inject, test, vi } from 'vitest';
import type { InputRecord, PartitionOffset } from '../broker.ts';
import { crashingConsumers } from './fixtures/crashing-consumers.ts';
import { KafkaGroupConsumer } from './group-consumer.ts';
import { KafkaBroker } from './kafka-broker.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');

test('where kafkajs gives up, another consumer joins the group and goes on where the handler stands', async () => {
  const broker = new KafkaBroker({ brokers, clientId: 'group-member-test' });
  const topic = `test-${randomUUID()}`;
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
  const producer = await broker.producer();
  const send = (text: string) =>
    producer.send([{ topic, records: [{ key: null, value: Buffer.from(text), partition: 0 }] }]);
  const client = crashingConsumers(brokers);
  const seen: (string | undefined)[] = [];
  let position = 0;
  const consumer = await new KafkaGroupConsumer(client.kafka, {
    groupId: randomUUID(),
    topics: [topic],
    concurrency: 1,
    handler: {
      assigned: async (partitions: TopicPartition[]): Promise<PartitionOffset[]> =>
        partitions.map((of) => ({ ...of, offset: position })),
      batch: async ({ records, nextOffset }: { records: InputRecord[]; nextOffset: number }) => {
        seen.push(...records.map(({ value }) => value?.toString()));
        position = nextOffset;
      },
    },
  }).start();
  try {
    await send('a');
    await vi.waitFor(() => expect(seen).toEqual(['a']), 20_000);
    const [first] = client.opened;
    await first?.consumer.disconnect();
    first?.crashed(new Error('no coordinator'));
    await send('b');
    await Promise.race([vi.waitFor(() => expect(seen).toEqual(['a', 'b']), 20_000), consumer.failed]);
    expect(client.opened).toHaveLength(2);
  } finally {
    await consumer.stop();
    await producer.close();
    await broker.close();
  }
});

test('where kafkajs gives up while the handler looks for its positions, they are void, and the next assignment counts', async () => {
  const broker = new KafkaBroker({ brokers, clientId: 'group-member-test' });
  const topic = `test-${randomUUID()}`;
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
  const producer = await broker.producer();
  await producer.send([{ topic, records: [{ key: null, value: Buffer.from('a'), partition: 0 }] }]);
  const client = crashingConsumers(brokers);
  const seen: (string | undefined)[] = [];
  let assignments = 0;
  const consumer = await new KafkaGroupConsumer(client.kafka, {
    groupId: randomUUID(),
    topics: [topic],
    concurrency: 1,
    handler: {
      assigned: async (partitions: TopicPartition[]): Promise<PartitionOffset[]> => {
        assignments += 1;
        const [first] = client.opened;
        if (assignments === 2) {
          await first?.consumer.disconnect();
          first?.crashed(new Error('no coordinator'));
        }
        return partitions.map((of) => ({ ...of, offset: 0 }));
      },
      batch: async ({ records }: { records: InputRecord[] }) =>
        void seen.push(...records.map(({ value }) => value?.toString())),
    },
  }).start();
  try {
    await Promise.race([vi.waitFor(() => expect(seen).toEqual(['a']), 20_000), consumer.failed]);
    consumer.restart(new Error('read it again'));
    await Promise.race([vi.waitFor(() => expect(seen).toEqual(['a', 'a']), 20_000), consumer.failed]);
    expect(assignments).toBe(3);
  } finally {
    await consumer.stop();
    await producer.close();
    await broker.close();
  }
});

test('a stop does not wait for a consumer that is connecting anew, which then leaves by itself', async () => {
  const broker = new KafkaBroker({ brokers, clientId: 'group-member-test' });
  const topic = `test-${randomUUID()}`;
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
  const connecting = Promise.withResolvers<void>();
  const client = crashingConsumers(brokers, connecting.promise);
  const consumer = await new KafkaGroupConsumer(client.kafka, {
    groupId: randomUUID(),
    topics: [topic],
    concurrency: 1,
    handler: { assigned: async () => [], batch: async () => undefined },
  }).start();
  const [first] = client.opened;
  await first?.consumer.disconnect();
  first?.crashed(new Error('no coordinator'));
  await vi.waitFor(() => expect(client.opened).toHaveLength(2), 20_000);
  await consumer.stop();
  const second = client.opened[1]?.consumer;
  const left = new Promise((resolve) => second?.on(second.events.DISCONNECT, resolve));
  connecting.resolve();
  await left;
  await broker.close();
});
