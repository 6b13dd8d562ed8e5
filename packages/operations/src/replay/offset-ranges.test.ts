import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OffsetRanges } from './offset-ranges.ts';

const ranges = fc.array(
  fc.record({ partition: fc.nat(2), from: fc.nat(40), length: fc.nat(10) }).map(({ length, ...of }) => ({
    ...of,
    to: of.from + length,
  })),
);
const key = (partition: number, offset: number) => `${partition}:${offset}`;

function setOf(all: Iterable<{ partition: number; from: number; to: number }>): Set<string> {
  const set = new Set<string>();
  for (const { partition, from, to } of all)
    for (let offset = from; offset < to; offset++) set.add(key(partition, offset));
  return set;
}

test('is the set of its offsets', () => {
  fc.assert(
    fc.property(ranges, fc.nat(2), fc.nat(50), fc.nat(6), (all, partition, from, length) => {
      const made = OffsetRanges.of(all);
      const expected = setOf(all);
      expect(setOf(made)).toEqual(expected);
      expect(made.count).toBe(expected.size);
      expect(made.isEmpty).toBe(expected.size === 0);
      expect(made.has(partition, from)).toBe(expected.has(key(partition, from)));
      const some = Array.from({ length }, (_, at) => expected.has(key(partition, from + at)));
      expect(made.overlaps(partition, from, from + length)).toBe(some.includes(true));
      const limited = made.within((of) => ({ from: of, to: from }));
      const inLimit = [...expected].filter((each) => {
        const [of, offset] = each.split(':').map(Number) as [number, number];
        return offset >= of && offset < from;
      });
      expect(setOf(limited)).toEqual(new Set(inLimit));
      expect(OffsetRanges.of(JSON.parse(JSON.stringify(made))).toJSON()).toEqual(made.toJSON());
    }),
  );
});

test('its ranges neither overlap nor touch', () => {
  fc.assert(
    fc.property(ranges, (all) => {
      const made = [...OffsetRanges.of(all)];
      for (const [at, range] of made.entries()) {
        const former = made[at - 1];
        if (former?.partition === range.partition) expect(range.from).toBeGreaterThan(former.to);
        expect(range.to).toBeGreaterThan(range.from);
      }
    }),
  );
});

test('of single offsets, in any order and more than once', () => {
  const made = OffsetRanges.ofOffsets(new Map([[3, [7, 5, 6, 9, 7]]]));
  expect(made.toJSON()).toEqual([
    { partition: 3, from: 5, to: 8 },
    { partition: 3, from: 9, to: 10 },
  ]);
});

test('as people write it', () => {
  expect(OffsetRanges.parse('0:5-7, 1:0-1,0:7-9').toString()).toBe('0:5-9, 1:0-1');
  for (const wrong of ['', '0', '0:5', '0:5-5', '0:7-5', 'a:1-2', '0:1-2;1:1-2', '0:-1-2'])
    expect(() => OffsetRanges.parse(wrong)).toThrow(/is not a range of offsets/);
});
