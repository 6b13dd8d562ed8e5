import { randomUUID } from 'node:crypto';
import { AvroCodec, AvroRegistry, deadLetterSchema, deadLetterTopic } from '@windrow/contracts';
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest';
import { applyStreams } from './apply.ts';
import type { OutputRecord } from './broker.ts';
import { deadLetterOf } from './dead-letter.ts';
import { DeadLetters, type RejectedRecord } from './dead-letters.ts';
import { KafkaBroker } from './kafka/kafka-broker.ts';
import { beginTransaction } from './kafka/testing/foreign-producer.ts';

const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = inject('endpoints');
const brokers = KAFKA_BROKERS.split(',');
const registry = new AvroRegistry(SCHEMA_REGISTRY_URL);
const codec = new AvroCodec(deadLetterSchema, registry);
const { signal: never } = new AbortController();
let broker: KafkaBroker;
let schemaId: number;

beforeAll(async () => {
  broker = new KafkaBroker({ brokers, clientId: 'dead-letters-test' });
  const { schemaIds } = await applyStreams([], { broker, registry, partitions: 2 });
  schemaId = schemaIds.get(deadLetterTopic.name) ?? 0;
});
afterAll(() => broker?.close());

/** A topic of its own, with any number of instances of the sink that refuses its events. */
function installation() {
  const feed = { stream: 'track', topic: `test-${randomUUID()}` };
  const from = { service: 'lake-sink', version: 'test' };
  const instance = () => {
    const letters = new DeadLetters({ broker, registry, groupId: 'dead-letters-test', ...from });
    onTestFinished(() => letters.close());
    return {
      retain: (partition: number) => letters.retain([{ topic: feed.topic, partition }]),
      send: (places: string[], signal = never) =>
        letters.send(
          feed,
          places.map((place) => rejectedRecord(place)),
          signal,
        ),
      sendOne: (record: RejectedRecord) => letters.send(feed, [record], never),
    };
  };
  return {
    instance,
    /** As `instance` would send it, but in a transaction that is left open. */
    async leaveOpen(place: string): Promise<void> {
      const record = rejectedRecord(place);
      const letter = deadLetterOf(record, { ...feed, partition: record.partition, ...from });
      const value = codec.encode({ ...letter }, schemaId);
      const id = `dead-letters-test-${feed.topic}-${record.partition}-dead-letters`;
      await begin(id, [{ key: record.input.key, value }]);
    },
    /** The `partition/offset` of all dead letters that are committed. */
    async places(): Promise<string[]> {
      const places: string[] = [];
      const reader = await broker.read({
        topic: deadLetterTopic.name,
        onBatch: async ({ records }) => {
          for (const result of await codec.decode(records.map(({ value }) => value)))
            if (result.ok && result.record.topic === feed.topic)
              places.push(`${result.record.partition}/${result.record.offset}`);
        },
      });
      const ends = await broker.highWatermarks(deadLetterTopic.name);
      await reader.reached(ends).finally(() => reader.close());
      return places.sort();
    },
  };
}

/** `partition/offset` */
function rejectedRecord(place: string, value = Buffer.from('not Avro')): RejectedRecord {
  const [partition, offset] = place.split('/').map(Number);
  const input = {
    ...{ offset: offset ?? 0, timestampMs: Date.now(), headers: {} },
    ...{ key: Buffer.from(place), value },
  };
  const cause = { stage: 'lake', reason: 'not_avro', message: 'it is not Avro', schemaId: null } as const;
  return { kind: 'deadLetter', input, partition: partition ?? 0, ...cause };
}

/** Sends dead letters in a transaction that stays open. */
async function begin(transactionalId: string, records: OutputRecord[]) {
  const transaction = await beginTransaction(brokers, transactionalId, {
    topic: deadLetterTopic.name,
    records,
  });
  onTestFinished(() => transaction.disconnect());
  return transaction;
}

test('an owner that comes after a crash sends what is not there yet', async () => {
  const { instance, places } = installation();
  await instance().send(['0/5', '1/7']);
  await instance().send(['1/7', '0/6', '0/5']);
  expect(await places()).toEqual(['0/5', '0/6', '1/7']);
});

test('what the former owner has not committed is sent by the next one', async () => {
  const { instance, places, leaveOpen } = installation();
  await leaveOpen('0/5');
  await instance().send(['0/5']);
  expect(await places()).toEqual(['0/5']);
});

test('a former owner that wakes up is refused; when it opens the partition again, it finds what is there', async () => {
  const { instance, places } = installation();
  const [former, owner] = [instance(), instance()];
  const refused = { code: 'KAFKA_FENCED', retriable: true };
  await former.send(['0/1']);
  await owner.send(['0/2']);
  await expect(former.send(['0/2'])).rejects.toMatchObject(refused);
  await former.send(['0/2']);
  await expect(owner.send(['0/3'])).rejects.toMatchObject(refused);
  await owner.send(['0/3']);
  expect(await places()).toEqual(['0/1', '0/2', '0/3']);
});

test('a partition that was lost and has come back is opened anew', async () => {
  const { instance, places } = installation();
  const [first, second] = [instance(), instance()];
  await first.send(['0/1', '1/1']);
  await second.send(['0/2']);
  await first.retain(1);
  await first.send(['0/2', '0/3', '1/2']);
  expect(await places()).toEqual(['0/1', '0/2', '0/3', '1/1', '1/2']);
});

test('an event that is refused only when it is tried again has its dead letter too', async () => {
  const { instance, places } = installation();
  await instance().send(['0/3', '0/5']);
  const owner = instance();
  await owner.send(['0/5', '0/6']);
  await owner.send(['0/4', '0/3', '0/5', '0/6']);
  expect(await places()).toEqual(['0/3', '0/4', '0/5', '0/6']);
});

test('what lies behind the open transaction of another partition is waited for, until the signal', async () => {
  const { instance, places } = installation();
  const [topic] = await broker.describeTopics([deadLetterTopic.name]);
  const everywhere = Array.from({ length: topic?.partitions ?? 0 }, (_, partition) => ({
    ...{ partition, key: null, value: Buffer.from('never committed') },
  }));
  const [former, owner] = [instance(), instance()];
  await former.send(['0/4']);
  const transaction = await begin(randomUUID(), everywhere);
  await former.send(['0/5']);
  const read = vi.spyOn(broker, 'read');
  onTestFinished(() => read.mockRestore());
  const giveUp = new AbortController();
  const abandoned = owner.send(['0/5'], giveUp.signal);
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(1), 20_000);
  giveUp.abort(new Error('the partition is lost'));
  await expect(abandoned).rejects.toThrow('the partition is lost');
  const sent = owner.send(['0/5', '0/6']);
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(2), 20_000);
  await transaction.abort();
  await sent;
  expect(await places()).toEqual(['0/4', '0/5', '0/6']);
});

test('one that is larger than what the broker takes is cut, and stops nothing', async () => {
  const { instance, places } = installation();
  const owner = instance();
  await owner.sendOne(rejectedRecord('0/1', Buffer.alloc(3_000_000, 'x')));
  await owner.send(['0/2']);
  expect(await places()).toEqual(['0/1', '0/2']);
});
