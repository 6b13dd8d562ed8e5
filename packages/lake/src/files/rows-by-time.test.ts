import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupByTime } from './rows-by-time.ts';

const hourMs = 3_600_000;

test('rows are in the group of their time, in the order of time and then of arrival, those without a time last', () => {
  const timesMs = Float64Array.of(hourMs + 5, 3, Number.NaN, hourMs + 5, 1, -1, hourMs, Number.NaN);
  expect(groupByTime(timesMs, hourMs).map(({ startMs, rows }) => [startMs, [...rows]])).toEqual([
    [-hourMs, [5]],
    [0, [4, 1]],
    [hourMs, [6, 0, 3]],
    [Number.NaN, [2, 7]],
  ]);
});

test('every row is in one group, whatever the times', () => {
  const time = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: -3 * hourMs, max: 3 * hourMs }) },
    { weight: 1, arbitrary: fc.constant(Number.NaN) },
    { weight: 1, arbitrary: fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9999, 0, 1) }) },
  );
  fc.assert(
    fc.property(fc.array(time, { maxLength: 300 }), (times) => {
      const groups = groupByTime(Float64Array.from(times), 24 * hourMs);
      const rows = groups.flatMap((group) => [...group.rows]);
      expect(rows.toSorted((a, b) => a - b)).toEqual(times.map((_, row) => row));
      const inOrder = rows.map((row) => (Number.isNaN(times[row]) ? Number.MAX_VALUE : must(times[row])));
      expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
      expect(new Set(groups.map(({ startMs }) => startMs)).size).toBe(groups.length);
    }),
  );
});
