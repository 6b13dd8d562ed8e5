import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { WindrowError } from '@windrow/runtime';
import kafkajs, { type ConsumerConfig, type Kafka } from 'kafkajs';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import type {
  Broker,
  ConsumeOptions,
  FetchedRecordBatches,
  GroupConsumer,
  PartitionOffset,
  TopicPartition,
} from '../broker.ts';
import { consumeMeasured } from '../consumer-metrics.ts';
import { expectSame, recordsOf } from './fixtures/both-paths.ts';
import { givingUp } from './fixtures/giving-up.ts';
import { KafkaGroupConsumer } from './group-consumer.ts';
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

/** Keeps the ranges that it is given and goes on behind them; `before` comes before each. */
function collector(before: (fetched: FetchedRecordBatches) => Promise<void> = async () => undefined) {
  const ranges: FetchedRecordBatches[] = [];
  const assignments: TopicPartition[][] = [];
  const positions = new Map<string, number>();
  const nameOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
  return {
    ranges,
    assignments,
    values: () => ranges.flatMap((range) => recordsOf(range).map(({ value }) => String(value))),
    handler: {
      assigned: async (partitions: TopicPartition[]): Promise<PartitionOffset[]> => {
        assignments.push(partitions);
        return partitions.map((of) => ({ ...of, offset: positions.get(nameOf(of)) ?? 0 }));
      },
      recordBatches: async (fetched: FetchedRecordBatches) => {
        await before(fetched);
        ranges.push(fetched);
        positions.set(nameOf(fetched), fetched.nextOffset);
      },
    },
  };
}

async function withConsumer(consumer: GroupConsumer, run: () => Promise<unknown>): Promise<void> {
  try {
    await Promise.race([run(), consumer.failed]);
  } finally {
    await consumer.stop();
  }
}

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 30_000, interval: 50 });

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

test('where kafkajs gives up, the consumer in its place fetches record batches too', async () => {
  const topic = await newTopic();
  const client = givingUp(brokers);
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
    if (at !== -1 && left-- > 0) bytes[at]! ^= 1;
    return undefined;
  });
  const { values, handler, assignments } = collector();
  const reasons: string[] = [];
  const damages: unknown[] = [];
  const registry = new Registry();
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
    expect(String(damage)).toContain(`${topic}/1 as it was written from offset 1 on: its checksum is`);
  }
  // Nothing is taken over anew because of it.
  expect(new Set(reasons)).toEqual(new Set(['rebalance']));
  expect(await registry.metrics()).toContain(
    `windrow_damaged_fetches_total{topic="${topic}",partition="1"} 3`,
  );
});
