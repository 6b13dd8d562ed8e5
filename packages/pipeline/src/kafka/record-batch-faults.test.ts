import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { createRegistry } from '@windrow/runtime';
import kafkajs, { type ConsumerConfig, type Kafka } from 'kafkajs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Broker, ConsumeOptions } from '../broker.ts';
import { consumeMeasured } from '../consumer-metrics.ts';
import { collector, until, withConsumer } from './fixtures/collector.ts';
import { crashingConsumers } from './fixtures/crashing-consumers.ts';
import { KafkaGroupConsumer } from './group-consumer.ts';
import { KafkaBroker } from './kafka-broker.ts';
import { recordBatchesOf } from './patches/fetched-record-batches.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');
let broker: KafkaBroker;

beforeAll(() => {
  broker = new KafkaBroker({ brokers, clientId: 'record-batch-faults-test' });
});
afterAll(() => broker.close());

async function newTopic(partitions = 1): Promise<string> {
  const name = `test-${randomUUID()}`;
  await broker.createTopics([{ name, partitions, config: {} }]);
  return name;
}

async function send(topic: string, values: string[], partition = 0): Promise<void> {
  const producer = await broker.producer();
  await producer.send([
    { topic, records: values.map((value) => ({ key: null, value: Buffer.from(value), partition })) },
  ]);
  await producer.close();
}

test('where kafkajs gives up, the consumer in its place fetches record batches too', async () => {
  const topic = await newTopic();
  const client = crashingConsumers(brokers);
  const { values, handler } = collector();
  const options = { groupId: randomUUID(), topics: [topic], concurrency: 1 };
  const consumer = await new KafkaGroupConsumer(client.kafka, { ...options, handler }).start();
  await withConsumer(consumer, async () => {
    await send(topic, ['a']);
    await until(() => expect(values()).toEqual(['a']));
    const [first] = client.opened;
    await first?.consumer.disconnect();
    first?.crashed(new Error('no coordinator'));
    await send(topic, ['b']);
    await until(() => expect(values()).toEqual(['a', 'b']));
    expect(client.opened).toHaveLength(2);
  });
});

/** Real connections, whose incoming bytes `receive` may change. Where it says so, they break in the middle of them. */
function tampering(
  receive: (bytes: Buffer) => 'break' | undefined,
  change: Partial<ConsumerConfig> = {},
): Kafka {
  const kafka = new kafkajs.Kafka({
    ...{ brokers, logLevel: kafkajs.logLevel.NOTHING },
    socketFactory: ({ host, port, onConnect }): Socket => {
      const socket = connect({ host, port }, onConnect);
      const emit = socket.emit.bind(socket);
      socket.emit = (event: string, ...args: unknown[]) => {
        const bytes = args[0] as Buffer;
        if (event !== 'data' || receive(bytes) !== 'break') return emit(event, ...args);
        emit('data', bytes.subarray(0, bytes.length / 2));
        socket.destroy(new Error('broken'));
        return true;
      };
      return socket;
    },
  });
  const consumer = (config: ConsumerConfig) =>
    kafka.consumer({ ...config, ...change, retry: { ...config.retry, ...change.retry } });
  return { consumer } as unknown as Kafka;
}

test.each([
  ['connects anew', 10, 0],
  ['crashes and is restarted', 0, 1],
])(
  'where a connection breaks within a fetch, and kafkajs %s, record batches go on',
  async (_, retries, crashes) => {
    const topic = await newTopic();
    let cut = false;
    const kafka = tampering(
      (bytes) => {
        if (!cut || !bytes.includes('marker')) return undefined;
        cut = false;
        return 'break';
      },
      { retry: { retries } },
    );
    const { values, handler } = collector();
    let crashed = 0;
    const watched = {
      consumer: (config: ConsumerConfig) => {
        const consumer = kafka.consumer(config);
        consumer.on('consumer.crash', ({ payload }) => {
          if (payload.restart) crashed += 1;
        });
        return consumer;
      },
    } as unknown as Kafka;
    const options = { groupId: randomUUID(), topics: [topic], concurrency: 1 };
    const consumer = await new KafkaGroupConsumer(watched, { ...options, handler }).start();
    await withConsumer(consumer, async () => {
      await send(topic, ['a marker']);
      await until(() => expect(values()).toEqual(['a marker']));
      cut = true;
      await send(topic, ['another marker']);
      await until(() => expect(values()).toEqual(['a marker', 'another marker']));
    });
    expect(cut).toBe(false);
    expect(crashed).toBe(crashes);
  },
);

test('a fetch with a wrong checksum is told and repeated, while other partitions go on', async () => {
  const topic = await newTopic(2);
  let left = 3;
  const kafka = tampering((bytes) => {
    const at = bytes.indexOf('damaged');
    if (at !== -1 && left-- > 0) bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return undefined;
  });
  const { values, handler, assignments } = collector();
  const reasons: string[] = [];
  const damages: unknown[] = [];
  const registry = createRegistry('test');
  const measured: Broker = Object.create(broker, {
    consume: { value: (all: ConsumeOptions) => new KafkaGroupConsumer(kafka, all).start() },
    endOffsets: { value: (of: string) => broker.endOffsets(of) },
  });
  const consumer = await consumeMeasured(measured, registry, {
    ...{ groupId: randomUUID(), topics: [topic], concurrency: 2, handler },
    onAssignment: (reason) => void reasons.push(reason),
    onDamage: (error, of) => {
      damages.push(error);
      expect(of).toEqual({ topic, partition: 1 });
    },
  });
  await withConsumer(consumer, async () => {
    await until(() => expect(assignments).toHaveLength(1));
    await send(topic, ['whole'], 1);
    await until(() => expect(values()).toEqual(['whole']));
    await send(topic, ['damaged on its way'], 1);
    await until(() => expect(damages.length).toBeGreaterThan(0));
    await send(topic, ['elsewhere'], 0);
    await until(() => expect(values().sort()).toEqual(['damaged on its way', 'elsewhere', 'whole']));
  });
  expect(damages).toHaveLength(3);
  for (const damage of damages) {
    expect(damage).toMatchObject({ code: 'KAFKA_UNAVAILABLE', retriable: true });
    expect(String(damage)).toContain(`return intact records of ${topic}/1 from offset 1 on: its checksum is`);
  }
  // Nothing is taken over anew because of it.
  expect(new Set(reasons)).toEqual(new Set(['rebalance']));
  expect(await registry.metrics()).toContain(
    `windrow_damaged_fetches_total{topic="${topic}",partition="1",service="test"} 3`,
  );
});

test('what is no record batch stops the consumer, which says why', async () => {
  const topic = await newTopic();
  const kafka = tampering((bytes) => {
    const at = bytes.indexOf('of old');
    // Before the value there are the record's first six bytes, and its batch's head, with the format at 16.
    if (at !== -1) bytes[at - 6 - 61 + 16] = 1;
    return undefined;
  });
  const { values, handler } = collector();
  const options = { groupId: randomUUID(), topics: [topic], concurrency: 1 };
  await send(topic, ['new']);
  await send(topic, ['of old']);
  const consumer = await new KafkaGroupConsumer(kafka, { ...options, handler }).start();
  await expect(consumer.failed).rejects.toMatchObject({
    ...{ code: 'DECODE_FAILED', retriable: false },
    message: `${topic}/0 can't be read from offset 1 on: it is in message format 1, which is older than Kafka 0.11. Copy the records to a new topic`,
  });
  await consumer.stop();
  expect(values()).toEqual(['new']);
  expect(() => recordBatchesOf([{ offset: '0' } as kafkajs.KafkaMessage])).toThrow('older than Kafka 0.11');
});
