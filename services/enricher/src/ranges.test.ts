import type { FetchedBatch, InputRecord } from '@windrow/pipeline';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rangesOf } from './ranges.ts';

const record = (offset: number): InputRecord => ({
  offset,
  timestampMs: 0,
  key: null,
  value: null,
  headers: {},
});

test('ranges join without a gap, hold every record once, and none is too large', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 });
  fc.assert(
    fc.property(gaps, fc.nat(3), fc.integer({ min: 1, max: 20 }), (steps, trailing, maxRecords) => {
      let offset = 99;
      const records = steps.map((step) => {
        offset += step;
        return record(offset);
      });
      const batch: FetchedBatch = {
        ...{ topic: 't', partition: 3, records, firstOffset: 100, endOffset: 1_000 },
        nextOffset: offset + 1 + trailing,
      };
      const ranges = [...rangesOf(batch, maxRecords)];
      expect(ranges.flatMap((range) => range.records)).toEqual(records);
      expect(ranges[0]?.firstOffset).toBe(batch.firstOffset);
      expect(ranges.at(-1)?.nextOffset).toBe(batch.nextOffset);
      for (const [index, range] of ranges.entries()) {
        if (index > 0) expect(range.firstOffset).toBe(ranges[index - 1]?.nextOffset);
        expect(range.records.length).toBeLessThanOrEqual(maxRecords);
        for (const { offset } of range.records) {
          expect(offset).toBeGreaterThanOrEqual(range.firstOffset);
          expect(offset).toBeLessThan(range.nextOffset);
        }
      }
    }),
  );
});
