import { randomBytes, randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { expectSame } from '../fixtures/both-paths.ts';
import { KafkaBroker } from '../kafka-broker.ts';

const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');
const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
let broker: KafkaBroker;

beforeAll(() => {
  broker = new KafkaBroker({ brokers, clientId: 'record-batches-test' });
});
afterAll(() => broker.close());

async function newTopic(config: Record<string, string> = {}): Promise<string> {
  const name = `test-${randomUUID()}`;
  await broker.createTopics([{ name, partitions: 1, config }]);
  return name;
}

async function send(topic: string, messages: kafkajs.Message[], compression = 0): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages, compression });
  await producer.disconnect();
}

/** Of all kinds: without key or value, with nothing in them, with headers, that come twice or have nothing in them. */
const messages = (count: number): kafkajs.Message[] =>
  Array.from({ length: count }, (_, index) => ({
    key: index % 5 === 0 ? null : `key ${index}`,
    value: index % 7 === 0 ? null : index % 11 === 0 ? '' : randomBytes(index % 400),
    headers:
      index % 3 === 0
        ? { origin: `o${index}`, twice: ['first', Buffer.from('last')], empty: '', naïve: 'ü' }
        : {},
    partition: 0,
  }));

const { None, GZIP, Snappy, LZ4, ZSTD } = kafkajs.CompressionTypes;
test.each([
  ['none', None],
  ['gzip', GZIP],
  ['snappy', Snappy],
  ['lz4', LZ4],
  ['zstd', ZSTD],
])('the records are those of the plain path, also from within a batch: codec %s', async (_, compression) => {
  const topic = await newTopic();
  const sent = messages(900);
  await send(topic, sent.slice(0, 300), compression);
  await send(topic, sent.slice(300), compression);
  const records = await expectSame(broker, topic);
  expect(records.map(({ value }) => value?.toString('hex') ?? null)).toEqual(
    sent.map(({ value }) => (value === null ? null : Buffer.from(value).toString('hex'))),
  );
  for (const start of [299, 300, 417]) {
    const [first] = await expectSame(broker, topic, start);
    expect(first?.offset).toBe(start);
  }
});

test.each(['LogAppendTime', 'CreateTime'])('times are those of the plain path: %s', async (type) => {
  const topic = await newTopic({ 'message.timestamp.type': type });
  const ages = [0, 40, -3_000, 86_400_000, 40 * 86_400_000, 1];
  const sentMs = Date.now() - 50 * 86_400_000;
  await send(
    topic,
    ages.map((age) => ({ value: 'v', timestamp: String(sentMs + age) })),
  );
  const timesMs = (await expectSame(broker, topic)).map(({ timestampMs }) => timestampMs);
  expect(timesMs).toHaveLength(ages.length);
  if (type === 'CreateTime') expect(timesMs).toEqual(ages.map((age) => sentMs + age));
  else for (const timeMs of timesMs) expect(timeMs).toBeGreaterThan(sentMs + 49 * 86_400_000);
});

test('large records, and many small batches', async () => {
  const large = await newTopic({ 'max.message.bytes': '8000000' });
  for (const bytes of [10, 3_000_000, 10, 7_000_000])
    await send(large, [{ value: randomBytes(bytes) }, { value: 'small' }]);
  expect((await expectSame(broker, large)).map(({ value }) => value?.length)).toEqual([
    10, 5, 3e6, 5, 10, 5, 7e6, 5,
  ]);
  const small = await newTopic();
  const producer = kafka.producer();
  await producer.connect();
  for (let index = 0; index < 400; index++)
    await producer.send({ topic: small, messages: [{ value: `${index}` }] });
  await producer.disconnect();
  expect((await expectSame(broker, small, 37)).map(({ value }) => Number(value))).toEqual(
    Array.from({ length: 363 }, (_, index) => index + 37),
  );
});
