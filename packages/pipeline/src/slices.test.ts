import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FetchedBatch } from './broker.ts';
import { inSlices } from './slices.ts';

test('slices join, hold every record once, and none is too large', () => {
  const batches = fc.record({
    gaps: fc.array(fc.nat(3), { maxLength: 40 }),
    firstOffset: fc.nat(100),
    rest: fc.nat(3),
    maxRecords: fc.integer({ min: 1, max: 10 }),
  });
  fc.assert(
    fc.property(batches, ({ gaps, firstOffset, rest, maxRecords }) => {
      let nextOffset = firstOffset;
      const records = gaps.map((gap) => {
        const offset = nextOffset + gap;
        nextOffset = offset + 1;
        return { offset, timestampMs: 0, key: null, value: null, headers: {} };
      });
      nextOffset += rest;
      const batch: FetchedBatch = {
        topic: 't',
        partition: 0,
        records,
        firstOffset,
        nextOffset,
        endOffset: 999,
      };
      const slices = [...inSlices(batch, maxRecords)];
      expect(slices.flatMap((slice) => slice.records)).toEqual(records);
      let position = firstOffset;
      for (const slice of slices) {
        expect(slice.records.length).toBeLessThanOrEqual(maxRecords);
        expect(slice.firstOffset).toBe(position);
        for (const { offset } of slice.records) {
          expect(offset).toBeGreaterThanOrEqual(slice.firstOffset);
          expect(offset).toBeLessThan(slice.nextOffset);
        }
        position = slice.nextOffset;
      }
      expect(position).toBe(nextOffset);
    }),
  );
});
