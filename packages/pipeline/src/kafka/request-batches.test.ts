import { expect, test } from 'vitest';
import { maxRequestBytes, splitIntoRequests } from './request-batches.ts';

const record = (bytes: number) => ({ key: 'k', value: Buffer.alloc(bytes) });

test('a call holds records in order, over several topics', () => {
  const outputs = [
    { topic: 'a', records: Array.from({ length: 15 }, () => record(80_000)) },
    { topic: 'b', records: Array.from({ length: 7 }, () => record(80_000)) },
  ];
  const calls = [...splitIntoRequests(outputs)].map((call) =>
    call.map(({ topic, messages }) => [topic, messages.length]),
  );
  expect(calls).toEqual([
    [['a', 11]],
    [
      ['a', 4],
      ['b', 7],
    ],
  ]);
});

test('calls stay below the byte limit, and a record above it goes alone', () => {
  const outputs = [{ topic: 'a', records: [record(500_000), record(500_000), record(2_000_000), record(1)] }];
  const sizes = [...splitIntoRequests(outputs)].map((call) =>
    call.flatMap(({ messages }) => messages.map(({ value }) => value?.length ?? 0)),
  );
  expect(sizes).toEqual([[500_000], [500_000], [2_000_000], [1]]);
  for (const call of sizes.filter((call) => call.length > 1)) {
    expect(call.reduce((sum, size) => sum + size)).toBeLessThan(maxRequestBytes);
  }
});

test('nothing to send makes no call', () => {
  expect([...splitIntoRequests([{ topic: 'a', records: [] }])]).toEqual([]);
});
