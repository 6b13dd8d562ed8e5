import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { byKey } from './partitioner.ts';
import { groupMessagesPerPartition, producingClient } from './producing-client.ts';

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
      // Without a key they take turns from a random one on: each side gets a key of its own for those.
      const keyed = messages.map((one, index) => ({ ...one, key: one.key ?? String(index) }));
      const call = () => ({ topic: 't', partitionMetadata, messages: keyed, partitioner: byKey() });
      expect(groupMessagesPerPartition(call())).toEqual(theirs(call()));
    }),
  );
});

test('is a client of its own, once, beside the one that others have loaded', () => {
  const client = producingClient();
  expect(producingClient()).toBe(client);
  expect(client).not.toBe(kafkajs.Kafka);
  expect(require(groupingModule)).toBe(groupMessagesPerPartition);
  const kafka = new client({ brokers: ['localhost:1'], logLevel: kafkajs.logLevel.NOTHING });
  expect(Object.keys(kafka.producer())).toEqual(
    Object.keys(new kafkajs.Kafka({ brokers: ['localhost:1'] }).producer()),
  );
});
