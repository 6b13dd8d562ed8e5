import { expect, test } from 'vitest';
import { createDeadLetter, maxRecordBytes, recordBytes } from './dead-letter.ts';

const event = {
  ...({ stage: 'http', reason: 'not_parsable', message: 'no', stream: 'track' } as const),
  ...{ headers: { path: '/v1/track' }, service: 'producer', version: '1' },
};

test('a value within the limit stays as it is; without a place, the event never reached Kafka', () => {
  const value = Buffer.alloc(maxRecordBytes - 100, 'x');
  expect(createDeadLetter({ ...event, value })).toMatchObject({
    ...event,
    ...{ value, topic: null, partition: null, offset: null, key: null, schema_id: null, attempts: 1 },
  });
});

test('a value above the limit is cut to fit; message and header say so', () => {
  const letter = createDeadLetter({ ...event, value: Buffer.alloc(3_000_000, 'x') });
  expect(letter.message).toMatch(/^no \(cut: the first \d+ of 3000000 bytes\)$/);
  expect(letter.headers).toEqual({ path: '/v1/track', truncated_from: '3000000' });
  expect(recordBytes(letter)).toBeGreaterThan(maxRecordBytes - 100);
  expect(recordBytes(letter)).toBeLessThan(maxRecordBytes + 100);
});

test('a key and headers that fill the record are left out', () => {
  const large = 'h'.repeat(maxRecordBytes);
  const letter = createDeadLetter({
    ...{ ...event, value: Buffer.alloc(10), key: Buffer.from('key'), headers: { large } },
  });
  expect(letter).toMatchObject({ key: null, headers: { truncated_from: '10' } });
});
