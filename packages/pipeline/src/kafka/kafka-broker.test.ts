import { randomUUID } from 'node:crypto';
import type { TopicPartition } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import type { FetchedBatch, GroupConsumer, PartitionOffset } from '../broker.ts';
import { KafkaBroker } from './kafka-broker.ts';

const { KAFKA_BROKERS = '' } = inject('endpoints');
const brokers = KAFKA_BROKERS.split(',');
let broker: KafkaBroker;

beforeAll(() => {
  broker = new KafkaBroker({ brokers, clientId: 'pipeline-test' });
});
afterAll(() => broker.close());

async function newTopic(partitions = 1, config: Record<string, string> = {}): Promise<string> {
  const name = `test-${randomUUID()}`;
  await broker.createTopics([{ name, partitions, config }]);
  return name;
}

const texts = (batches: FetchedBatch[]) =>
  batches.flatMap(({ records }) => records.map(({ value }) => value?.toString() ?? null));

async function send(topic: string, values: string[], partition = 0): Promise<void> {
  const producer = await broker.producer();
  await producer.send([
    { topic, records: values.map((value) => ({ key: null, value: Buffer.from(value), partition })) },
  ]);
  await producer.close();
}

/** Consumes from `startAt` (by default the beginning), keeping all batches. */
function collector(startAt: (of: TopicPartition) => number = () => 0) {
  const batches: FetchedBatch[] = [];
  const assignments: TopicPartition[][] = [];
  return {
    batches,
    assignments,
    handler: {
      assigned: async (partitions: TopicPartition[]): Promise<PartitionOffset[]> => {
        assignments.push(partitions);
        return partitions.map((of) => ({ ...of, offset: startAt(of) }));
      },
      batch: async (batch: FetchedBatch) => void batches.push(batch),
    },
  };
}

async function withConsumer(consumer: GroupConsumer, run: () => Promise<void>): Promise<void> {
  try {
    await Promise.race([run(), consumer.failed]);
  } finally {
    await consumer.stop();
  }
}

test('the ranges of a partition join, control records and aborted transactions included', async () => {
  const topic = await newTopic();
  await send(topic, ['a', 'b']);
  const transactions = await broker.transactionalProducer(randomUUID());
  const offsets = { groupId: randomUUID(), offsets: [{ topic, partition: 0, offset: 2 }] };
  await transactions.commit([{ topic, records: [{ key: null, value: Buffer.from('c') }] }], offsets);
  await transactions.commit([], offsets);
  await transactions.close();
  const aborted = new kafkajs.Kafka({ brokers, logLevel: 0 }).producer({ transactionalId: randomUUID() });
  await aborted.connect();
  const transaction = await aborted.transaction();
  await transaction.send({ topic, messages: [{ value: 'never' }] });
  await transaction.abort();
  await aborted.disconnect();

  const end = (await broker.endOffsets(topic)).get(0);
  const { batches, handler } = collector();
  const consumer = await broker.consume({ groupId: randomUUID(), topics: [topic], handler, concurrency: 1 });
  await withConsumer(consumer, async () => {
    await vi.waitFor(() => expect(batches.at(-1)?.nextOffset).toBeGreaterThanOrEqual(end ?? 0), 20_000);
    await send(topic, ['d']);
    await vi.waitFor(() => expect(texts(batches)).toContain('d'), 20_000);
  });
  expect(texts(batches)).toEqual(['a', 'b', 'c', 'd']);
  for (const [index, batch] of batches.entries()) {
    expect(batch.firstOffset).toBe(index === 0 ? 0 : batches[index - 1]?.nextOffset);
  }
});

test('it starts where the handler says, not where the group stood', async () => {
  const topic = await newTopic();
  await send(topic, ['a', 'b', 'c', 'd']);
  const groupId = randomUUID();
  const first = collector();
  const earlier = await broker.consume({ groupId, topics: [topic], handler: first.handler, concurrency: 1 });
  await withConsumer(earlier, async () => {
    await vi.waitFor(() => expect(texts(first.batches)).toHaveLength(4), 20_000);
    await earlier.commit([{ topic, partition: 0, offset: 3 }]);
  });
  expect((await broker.committedOffsets(groupId, topic)).get(0)).toBe(3);
  for (const [start, expected] of [
    [1, ['b', 'c', 'd']],
    [4, ['e']],
  ] as const) {
    const later = collector(() => start);
    const consumer = await broker.consume({
      groupId,
      topics: [topic],
      handler: later.handler,
      concurrency: 1,
    });
    await withConsumer(consumer, async () => {
      if (start === 4) await send(topic, ['e']);
      await vi.waitFor(() => expect(texts(later.batches)).toEqual(expected), 20_000);
    });
  }
});

test('a retriable failure begins the assignment anew; another one stops the consumer', async () => {
  const topic = await newTopic();
  await send(topic, ['a', 'b', 'c']);
  let failures = 2;
  const { batches, assignments, handler } = collector();
  const consumer = await broker.consume({
    groupId: randomUUID(),
    topics: [topic],
    concurrency: 1,
    handler: {
      ...handler,
      batch: async (batch) => {
        if (failures-- > 0) throw new WindrowError('S3_FAILED', 'away', { retriable: true });
        await handler.batch(batch);
      },
    },
  });
  await withConsumer(consumer, () =>
    vi.waitFor(() => expect(texts(batches)).toEqual(['a', 'b', 'c']), 20_000),
  );
  expect(assignments.length).toBeGreaterThanOrEqual(3);

  const poisoned = await broker.consume({
    groupId: randomUUID(),
    topics: [topic],
    concurrency: 1,
    handler: { ...collector().handler, batch: async () => Promise.reject(new Error('not known')) },
  });
  await expect(poisoned.failed).rejects.toThrow('not known');
  await poisoned.stop();
});

test('while a batch takes longer than the session, the member keeps its partitions', async () => {
  const topic = await newTopic();
  await send(topic, ['a']);
  const { batches, assignments, handler } = collector();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const consumer = await broker.consume({
    groupId: randomUUID(),
    topics: [topic],
    concurrency: 1,
    handler: { ...handler, batch: async (batch) => held.then(() => handler.batch(batch)) },
  });
  await withConsumer(consumer, async () => {
    await vi.waitFor(() => expect(assignments).toHaveLength(1), 20_000);
    setTimeout(release, 3_000);
    await vi.waitFor(() => expect(texts(batches)).toEqual(['a']), 20_000);
  });
  expect(assignments).toHaveLength(1);
});

test('a second member takes its share, and nothing is handed to both after that', async () => {
  const topic = await newTopic(4);
  const groupId = randomUUID();
  const [one, two] = [collector(), collector()];
  const first = await broker.consume({ groupId, topics: [topic], handler: one.handler, concurrency: 4 });
  await vi.waitFor(() => expect(one.assignments.at(-1)).toHaveLength(4), 20_000);
  const second = await broker.consume({ groupId, topics: [topic], handler: two.handler, concurrency: 4 });
  await vi.waitFor(() => {
    expect(one.assignments.at(-1)).toHaveLength(2);
    expect(two.assignments.at(-1)).toHaveLength(2);
  }, 20_000);
  for (const partition of [0, 1, 2, 3]) await send(topic, [`p${partition}`], partition);
  await withConsumer(first, () =>
    withConsumer(second, () =>
      vi.waitFor(() => {
        expect([...texts(one.batches), ...texts(two.batches)].sort()).toEqual(['p0', 'p1', 'p2', 'p3']);
      }, 20_000),
    ),
  );
});

test('a new owner of a transactional id refuses the former one, and its offsets are final', async () => {
  const topic = await newTopic();
  const id = randomUUID();
  const groupId = randomUUID();
  const at = (offset: number) => ({ groupId, offsets: [{ topic, partition: 0, offset }] });
  const outputs = [{ topic, records: [{ key: null, value: Buffer.from('x') }] }];
  const former = await broker.transactionalProducer(id);
  await former.commit(outputs, at(1));
  const owner = await broker.transactionalProducer(id);
  await expect(former.commit(outputs, at(7))).rejects.toMatchObject({
    code: 'KAFKA_FENCED',
    retriable: true,
  });
  expect((await broker.stableOffsets(groupId, topic, [0])).get(0)).toBe(1);
  await owner.commit(outputs, at(2));
  expect((await broker.stableOffsets(groupId, topic, [0])).get(0)).toBe(2);
  await Promise.all([former.close(), owner.close()]);
});

test.each(['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const)(
  'records that others compressed with %s are read',
  async (codec) => {
    const topic = await newTopic();
    const values = Array.from({ length: 500 }, (_, index) => `value ${index}`);
    const producer = new kafkajs.Kafka({ brokers, logLevel: 0 }).producer();
    await producer.connect();
    await producer.send({
      topic,
      compression: kafkajs.CompressionTypes[codec],
      messages: values.map((value) => ({ value })),
    });
    await producer.disconnect();
    const batches: FetchedBatch[] = [];
    const reader = await broker.read({ topic, onBatch: (batch) => void batches.push(batch) });
    await reader.reached(await broker.endOffsets(topic));
    await reader.close();
    expect(texts(batches)).toEqual(values);
  },
);

test('a reader reads named partitions from their offsets, follows, and leaves no group behind', async () => {
  const topic = await newTopic(2);
  await send(topic, ['a', 'b', 'c'], 0);
  await send(topic, ['no'], 1);
  const batches: FetchedBatch[] = [];
  const reader = await broker.read({
    topic,
    from: new Map([[0, 1]]),
    onBatch: (batch) => void batches.push(batch),
  });
  await reader.reached(new Map([[0, 3]]));
  expect(texts(batches)).toEqual(['b', 'c']);
  await send(topic, ['d'], 0);
  await reader.reached(new Map([[0, 4]]));
  expect(texts(batches)).toEqual(['b', 'c', 'd']);
  await expect(reader.reached(new Map([[0, 99]]), AbortSignal.timeout(50))).rejects.toThrow();
  await reader.close();
});

test('positions that compaction has emptied are passed, also where only control records follow', async () => {
  const topic = await newTopic(1, {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.001',
    'segment.ms': '200',
  });
  const producer = new kafkajs.Kafka({ brokers, logLevel: 0 }).producer({ transactionalId: randomUUID() });
  await producer.connect();
  const transact = async (name: string, end: 'commit' | 'abort') => {
    const transaction = await producer.transaction();
    const messages = [0, 1, 2, 3, 4].map((index) => ({ key: 'k', value: `${name}${index}` }));
    await transaction.send({ topic, messages });
    await transaction[end]();
  };
  const readFrom = async (offset: number) => {
    const batches: FetchedBatch[] = [];
    const reader = await broker.read({
      topic,
      from: new Map([[0, offset]]),
      onBatch: (batch) => void batches.push(batch),
    });
    const end = await broker.endOffsets(topic);
    await reader.reached(end, AbortSignal.timeout(10_000)).finally(() => reader.close());
    return batches;
  };
  for (const round of ['a', 'b']) await transact(round, 'commit');
  await vi.waitFor(
    async () => {
      // A newer segment has to begin before the one before it is cleaned, of what was aborted too.
      await transact('never', 'abort');
      expect(texts(await readFrom(0))).toEqual(['b4']);
    },
    { timeout: 60_000, interval: 1_000 },
  );
  await producer.disconnect();
  for (const offset of [1, 4, 7, 10, 12, 13, 14, 16]) {
    const batches = await readFrom(offset);
    expect(texts(batches)).toEqual(offset <= 10 ? ['b4'] : []);
    expect(batches[0]?.firstOffset).toBe(offset);
  }
}, 120_000);

test('offsets by time, and topics that are there already', async () => {
  const topic = await newTopic(1, { 'message.timestamp.type': 'LogAppendTime' });
  expect(await broker.createTopics([{ name: topic, partitions: 1, config: {} }])).toEqual([]);
  expect(await broker.describeTopics([topic, 'not-there'])).toEqual([{ name: topic, partitions: 1 }]);
  await send(topic, ['a', 'b']);
  expect((await broker.offsetsAt(topic, 0)).get(0)).toBe(0);
  expect((await broker.offsetsAt(topic, Date.now() + 60_000)).get(0)).toBe(2);
  expect((await broker.startOffsets(topic)).get(0)).toBe(0);
});

test('a broker that is not there is named, and worth another try', async () => {
  const away = new KafkaBroker({ brokers: ['127.0.0.1:1'], clientId: 'away' });
  await expect(away.endOffsets('any')).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE', retriable: true });
  await away.close();
}, 60_000);

test('stable offsets are those after the transaction that is about to move them; other partitions are not waited for', async () => {
  const topic = await newTopic(2);
  const consumerGroupId = randomUUID();
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({
    transactionalId: randomUUID(),
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  const topics = [{ topic, partitions: [{ partition: 0, offset: '7' }] }];
  await transaction.sendOffsets({ consumerGroupId, topics });
  expect(await broker.committedOffsets(consumerGroupId, topic)).toEqual(new Map());
  expect(await broker.stableOffsets(consumerGroupId, topic, [1])).toEqual(new Map());
  const stable = broker.stableOffsets(consumerGroupId, topic, [0]);
  await transaction.commit();
  expect(await stable).toEqual(new Map([[0, 7]]));
  await producer.disconnect();
});
