import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeldRecords } from './held-records.ts';

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
const record = fc.record({
  partition: fc.nat(10_000),
  input: fc.record({
    offset: fc.maxSafeNat(),
    timestampMs: fc.maxSafeInteger(),
    key: bytes,
    value: bytes,
    headers: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
  }),
});

test('any records come back as they were added, and the bytes are those that were told', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 200 }), (records) => {
      const held = new HeldRecords();
      let told = 0;
      for (const { partition, input } of records) told += held.add(partition, input);
      expect(held.bytes).toBe(told);
      expect(held.count).toBe(records.length);
      for (const [index, { partition, input }] of records.entries()) {
        expect(held.inputOf(index)).toEqual(input);
        expect(held.partitionOf(index)).toBe(partition);
        expect(held.offsetOf(index)).toBe(input.offset);
        expect(held.valueOf(index)).toEqual(input.value);
        expect(held.valueBytesOf(index)).toBe(input.value?.length ?? 0);
      }
    }),
  );
});

test('records larger than a chunk and many small ones are held side by side, apart from what they came from', () => {
  const held = new HeldRecords();
  const source = Buffer.alloc(3 << 20, 7);
  const of = (offset: number, value: Buffer) => ({ offset, timestampMs: 1, key: null, value, headers: {} });
  for (let offset = 0; offset < 5_000; offset++) held.add(0, of(offset, source.subarray(0, 1_000)));
  held.add(1, of(5_000, source));
  held.add(2, of(5_001, source.subarray(0, 1)));
  source.fill(0);
  expect(held.valueOf(4_999)).toEqual(Buffer.alloc(1_000, 7));
  expect(held.valueOf(5_000)).toEqual(Buffer.alloc(3 << 20, 7));
  expect(held.inputOf(5_001)).toEqual(of(5_001, Buffer.alloc(1, 7)));
  expect(() => held.inputOf(5_002)).toThrow('5002');
});

test('what is released is gone, and its memory serves the next records', () => {
  const held = new HeldRecords();
  const of = (offset: number, value: Buffer) => ({ offset, timestampMs: 1, key: null, value, headers: {} });
  for (let offset = 0; offset < 30; offset++) held.add(0, of(offset, Buffer.alloc(100_000, offset)));
  const memory = held.valueOf(29)?.buffer;
  held.release();
  expect([held.count, held.bytes]).toEqual([0, 0]);
  expect(() => held.valueOf(0)).toThrow('0 records');
  const next = new HeldRecords();
  for (let offset = 0; offset < 30; offset++) next.add(0, of(offset, Buffer.alloc(100_000, 255)));
  expect(next.valueOf(29)).toEqual(Buffer.alloc(100_000, 255));
  const chunks = Array.from({ length: 30 }, (_, record) => next.valueOf(record)?.buffer);
  expect(chunks).toContain(memory);
});
