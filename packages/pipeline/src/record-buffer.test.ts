import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordBuffer } from './record-buffer.ts';

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

test('records are read as they were added, and `bytes` is the sum of what `add` returned', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 200 }), (records) => {
      const buffer = new RecordBuffer();
      let added = 0;
      for (const { partition, input } of records) added += buffer.add(partition, input);
      expect(buffer.bytes).toBe(added);
      expect(buffer.count).toBe(records.length);
      for (const [index, { partition, input }] of records.entries()) {
        expect(buffer.inputOf(index)).toEqual(input);
        expect(buffer.partitionOf(index)).toBe(partition);
        expect(buffer.offsetOf(index)).toBe(input.offset);
        expect(buffer.valueOf(index)).toEqual(input.value);
        expect(buffer.valueBytesOf(index)).toBe(input.value?.length ?? 0);
      }
    }),
  );
});

test('records larger than a chunk and many small ones are stored side by side, as copies', () => {
  const buffer = new RecordBuffer();
  const source = Buffer.alloc(3 << 20, 7);
  const of = (offset: number, value: Buffer) => ({ offset, timestampMs: 1, key: null, value, headers: {} });
  for (let offset = 0; offset < 5_000; offset++) buffer.add(0, of(offset, source.subarray(0, 1_000)));
  buffer.add(1, of(5_000, source));
  buffer.add(2, of(5_001, source.subarray(0, 1)));
  source.fill(0);
  expect(buffer.valueOf(4_999)).toEqual(Buffer.alloc(1_000, 7));
  expect(buffer.valueOf(5_000)).toEqual(Buffer.alloc(3 << 20, 7));
  expect(buffer.inputOf(5_001)).toEqual(of(5_001, Buffer.alloc(1, 7)));
  expect(() => buffer.inputOf(5_002)).toThrow('5002');
});

test('released records are gone, and their memory serves the next ones', () => {
  const buffer = new RecordBuffer();
  const of = (offset: number, value: Buffer) => ({ offset, timestampMs: 1, key: null, value, headers: {} });
  for (let offset = 0; offset < 30; offset++) buffer.add(0, of(offset, Buffer.alloc(100_000, offset)));
  const memory = buffer.valueOf(29)?.buffer;
  buffer.release();
  expect([buffer.count, buffer.bytes]).toEqual([0, 0]);
  expect(() => buffer.valueOf(0)).toThrow('0 records');
  const next = new RecordBuffer();
  for (let offset = 0; offset < 30; offset++) next.add(0, of(offset, Buffer.alloc(100_000, 255)));
  expect(next.valueOf(29)).toEqual(Buffer.alloc(100_000, 255));
  const chunks = Array.from({ length: 30 }, (_, record) => next.valueOf(record)?.buffer);
  expect(chunks).toContain(memory);
});
