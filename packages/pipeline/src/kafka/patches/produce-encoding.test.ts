import { createRequire } from 'node:module';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyPatches } from './apply-patches.ts';
import { encodeBatch, encodeRecord } from './produce-encoding.ts';

const require = createRequire(import.meta.url);
const theirRecord = require('kafkajs/src/protocol/recordBatch/record/v0');
const theirBatch = require('kafkajs/src/protocol/recordBatch/v0').RecordBatch;
const Long = require('kafkajs/src/utils/long');
const theirCrc32c = require('kafkajs/src/protocol/recordBatch/crc32C');

applyPatches();

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'grapheme', maxLength: 100 });
const record = fc.record(
  {
    offsetDelta: fc.nat(),
    timestampDelta: fc.constantFrom(0, 0, 1, 300),
    key: fc.oneof(bytes, text, fc.constant(null)),
    value: fc.oneof(bytes, bytes, text, fc.constant(null)),
    headers: fc.oneof(fc.constant({}), fc.dictionary(fc.string(), text, { maxKeys: 2 })),
  },
  { requiredKeys: [] },
);

it('makes the same bytes of a record as kafkajs', () => {
  expect(require('kafkajs/src/protocol/recordBatch/record/v0')).toBe(encodeRecord);
  fc.assert(
    fc.property(record, (one) => {
      expect(encodeRecord(one).buffer).toEqual(theirRecord(one).buffer);
    }),
    { numRuns: 2_000 },
  );
  const large = { offsetDelta: 70_000, key: 'é'.repeat(70), value: Buffer.alloc(900_000, 7) };
  expect(encodeRecord(large).buffer.equals(theirRecord(large).buffer)).toBe(true);
});

it('makes the same bytes of a batch as kafkajs', async () => {
  expect(require('kafkajs/src/protocol/recordBatch/v0').RecordBatch).toBe(encodeBatch);
  const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
  const batch = fc.record(
    {
      firstTimestamp: fc.oneof(time, time.map(String)),
      maxTimestamp: fc.oneof(time, time.map(String)),
      transactional: fc.boolean(),
      producerId: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }).map((id) => Long.fromValue(String(id))),
      producerEpoch: fc.integer({ min: 0, max: 32_767 }),
      firstSequence: fc.nat(),
      compression: fc.constantFrom(0, 0, 0, 1),
      records: fc.array(record, { maxLength: 20 }),
    },
    { requiredKeys: ['firstTimestamp', 'maxTimestamp'] },
  );
  await fc.assert(
    fc.asyncProperty(batch, async ({ records = [], ...options }) => {
      const lastOffsetDelta = records.length - 1;
      const ours = await encodeBatch({ ...options, lastOffsetDelta, records: records.map(encodeRecord) });
      const theirs = await theirBatch({ ...options, lastOffsetDelta, records: records.map(theirRecord) });
      expect(ours.buffer).toEqual(theirs.buffer);
      expect(ours.size()).toBe(theirs.size());
    }),
    { numRuns: 500 },
  );
});

it('takes the same checksum as kafkajs, that of the RFC', () => {
  // RFC 3720, B.4: 32 bytes of zeroes, of ones, and from 0 up.
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, byte) => byte)))).toBe(0x46dd794e);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (array) => {
      const bytes = Buffer.from(array);
      expect(crc32c(bytes)).toBe(theirCrc32c(bytes));
    }),
  );
});

it('keeps what was written when it makes room for more', () => {
  const Encoder = require('kafkajs/src/protocol/encoder');
  const lengths = fc.array(fc.nat({ max: 5_000 }), { maxLength: 20 });
  fc.assert(
    fc.property(lengths, (all) => {
      const pieces = all.map((length, index) => Buffer.alloc(length, index + 1));
      const encoder = new Encoder(1);
      for (const piece of pieces) encoder.writeBuffer(piece);
      expect(encoder.buffer.equals(Buffer.concat(pieces))).toBe(true);
    }),
  );
});
