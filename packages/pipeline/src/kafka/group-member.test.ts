import { randomUUID } from 'node:crypto';
import kafkajs, { type Consumer, type ConsumerConfig, type Kafka } from 'kafkajs';
import { expect, inject, test, vi } from 'vitest';
import type { InputRecord, PartitionOffset, TopicPartition } from '../broker.ts';
import { KafkaGroupConsumer } from './group-consumer.ts';
import { KafkaBroker } from './kafka-broker.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');

/**
 * Real consumers that can be given up, as kafkajs does after an error that it holds to be final. `connecting`: what the
 * second one waits for before it connects.
 */
function givingUp(connecting: Promise<void> = Promise.resolve()) {
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const opened: { consumer: Consumer; crashed: (error: Error) => void }[] = [];
  const consumer = (config: ConsumerConfig): Consumer => {
    const real = kafka.consumer(config);
    const on = real.on.bind(real) as (name: string, listener: (event: unknown) => void) => () => void;
    const one = { consumer: real, crashed: (_: Error): void => undefined };
    real.on = ((name: string, listener: (event: unknown) => void) => {
      if (name === real.events.CRASH) {
        one.crashed = (error) => listener({ payload: { error, restart: false, groupId: '' } });
      }
      return on(name, listener);
    }) as Consumer['on'];
    if (opened.length > 0) {
      const connect = real.connect.bind(real);
      real.connect = () => connecting.then(connect);
    }
    opened.push(one);
    return real;
  };
  return { kafka: { consumer } as unknown as Kafka, opened };
}

test('where kafkajs gives up, another consumer joins the group and goes on where the handler stands', async () => {
  const broker = new KafkaBroker({ brokers, clientId: 'group-member-test' });
  const topic = `test-${randomUUID()}`;
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
  const producer = await broker.producer();
  const send = (text: string) =>
    producer.send([{ topic, records: [{ key: null, value: Buffer.from(text), partition: 0 }] }]);
  const client = givingUp();
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
  const client = givingUp();
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
  const client = givingUp(connecting.promise);
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
