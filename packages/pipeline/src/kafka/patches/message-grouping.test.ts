import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { expect, inject, test } from 'vitest';
import { KafkaBroker } from '../kafka-broker.ts';
import { partitionByKey } from '../partitioner.ts';
import { applyPatches } from './apply-patches.ts';
import { groupMessagesPerPartition } from './message-grouping.ts';

const require = createRequire(import.meta.url);
const groupingModule = 'kafkajs/src/producer/groupMessagesPerPartition';
const theirs = require(groupingModule);

test("messages go to the same partitions as with kafkajs' client, in the same order", () => {
  const message = fc.record({
    key: fc.option(fc.string({ maxLength: 3 })),
    value: fc.string({ maxLength: 3 }),
    partition: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 50 }), fc.nat({ max: 4 }), (messages, partitions) => {
      const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
        ...{ partitionId, partitionErrorCode: 0, leader: 0, replicas: [], isr: [] },
      }));
      // Without a key they would take turns from a random partition on.
      const keyed = messages.map((one, index) => ({ ...one, key: one.key ?? String(index) }));
      const call = () => ({ topic: 't', partitionMetadata, messages: keyed, partitioner: partitionByKey() });
      expect(groupMessagesPerPartition(call())).toEqual(theirs(call()));
    }),
  );
});

test('a patched producer groups messages without copying them, and there is one patched client', async () => {
  const Client = applyPatches();
  expect(applyPatches()).toBe(Client);
  const brokers = (inject('endpoints').KAFKA_BROKERS ?? '').split(',');
  const broker = new KafkaBroker({ brokers, clientId: 'message-grouping-test' });
  const topic = `test-${randomUUID()}`;
  await broker.createTopics([{ name: topic, partitions: 1, config: {} }]);
  // Theirs reduces the messages to groups.
  const reduce = () => {
    throw new Error('reduced');
  };
  const send = async (Made: typeof kafkajs.Kafka) => {
    const producer = new Made({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
      retry: { retries: 0 },
    });
    await producer.connect();
    const messages = Object.assign([{ value: 'a' }, { value: 'b' }], { reduce });
    await producer.send({ topic, messages }).finally(() => producer.disconnect());
  };
  await expect(send(kafkajs.Kafka)).rejects.toThrow('reduced');
  await send(Client);
  expect(await broker.endOffsets(topic)).toEqual(new Map([[0, 2]]));
  await broker.close();
});
