import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { expect, it } from 'vitest';
import { partitionByKey } from './partitioner.ts';

const partitions = (count: number) =>
  Array.from({ length: count }, (_, partitionId) => ({
    partitionId,
    leader: 0,
    partitionErrorCode: 0,
    replicas: [0],
    isr: [0],
  }));

it('chooses the partition that kafkajs chooses, for every key', () => {
  const [ours, theirs] = [partitionByKey(), kafkajs.Partitioners.DefaultPartitioner()];
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  const text = (minLength: number) => fc.string({ unit: 'grapheme', minLength, maxLength: minLength + 60 });
  const key = fc.oneof(bytes, text(0), text(320));
  fc.assert(
    fc.property(key, fc.integer({ min: 1, max: 300 }), (one, count) => {
      const choice = { topic: 't', partitionMetadata: partitions(count), message: { key: one, value: null } };
      expect(ours(choice)).toBe(theirs(choice));
    }),
    { numRuns: 2_000 },
  );
});

it('goes by the partition that a record names, and without one and without a key in turn', () => {
  const choose = partitionByKey();
  const choice = { topic: 't', partitionMetadata: partitions(3) };
  expect(choose({ ...choice, message: { key: 'k', value: null, partition: 2 } })).toBe(2);
  const chosen = [1, 2, 3].map(() => choose({ ...choice, message: { key: null, value: null } }));
  expect(chosen.sort()).toEqual([0, 1, 2]);
});
