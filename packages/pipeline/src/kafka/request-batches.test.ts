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
  const sent = [400_000, 400_000, 500_000, 2_000_000, 1, maxRequestBytes - 100, 1];
  const outputs = [{ topic: 'a', records: sent.map(record) }];
  const sizes = [...splitIntoRequests(outputs)].map((call) =>
    call.flatMap(({ messages }) => messages.map(({ value }) => value?.length ?? 0)),
  );
  expect(sizes).toEqual([[400_000, 400_000], [500_000], [2_000_000], [1, maxRequestBytes - 100], [1]]);
});

test('nothing to send makes no call', () => {
  expect([...splitIntoRequests([{ topic: 'a', records: [] }])]).toEqual([]);
});
