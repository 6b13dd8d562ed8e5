import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Dedupe, idReader } from './dedupe.ts';

test('it answers as a map of all times would, whatever comes in which order of time', () => {
  const step = fc.record({ id: fc.integer({ min: 0, max: 400 }), laterMs: fc.nat(40) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 5_000 }),
      fc.integer({ min: 1, max: 2_000 }),
      (steps, horizonMs) => {
        const dedupe = new Dedupe({ horizonMs, maxIds: 1_000_000 });
        const naive = new Map<number, number>();
        let nowMs = 1_700_000_000_000;
        for (const { id, laterMs } of steps) {
          nowMs += laterMs;
          const known = naive.get(id);
          const expected = known !== undefined && nowMs - known < horizonMs;
          expect(dedupe.has(String(id), nowMs)).toBe(expected);
          if (expected) continue;
          dedupe.add(String(id), nowMs);
          naive.set(id, nowMs);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('every id of a hundred thousand is found again, and no other', () => {
  const dedupe = new Dedupe({ horizonMs: 1_000, maxIds: 1_000_000 });
  for (let id = 0; id < 100_000; id++) dedupe.add(`in-${id}`, 0);
  for (let id = 0; id < 100_000; id++) {
    if (!dedupe.has(`in-${id}`, 999)) throw new Error(`in-${id} is forgotten`);
    if (dedupe.has(`out-${id}`, 999)) throw new Error(`out-${id} was never there`);
  }
  expect(dedupe.bytes / dedupe.size).toBeLessThanOrEqual(64);
});

test('what is over the horizon makes room: memory does not grow with time', () => {
  const dedupe = new Dedupe({ horizonMs: 1_000, maxIds: 1_000_000 });
  for (let id = 0; id < 300_000; id++) dedupe.add(String(id), id);
  expect(dedupe.bytes).toBeLessThan(200_000);
  expect(dedupe.has('299000', 299_999)).toBe(true);
  expect(dedupe.has('298999', 299_999)).toBe(false);
  expect(dedupe.takeEvicted()).toBe(0);
});

test('at its bound it forgets the oldest, and says how many', () => {
  const dedupe = new Dedupe({ horizonMs: 1_000_000_000, maxIds: 10_000 });
  for (let id = 0; id < 25_000; id++) dedupe.add(String(id), id);
  expect(dedupe.size).toBeLessThanOrEqual(10_000);
  expect(dedupe.bytes / 10_000).toBeLessThan(33);
  const known = Array.from({ length: 25_000 }, (_, id) => dedupe.has(String(id), 25_000));
  const first = known.indexOf(true);
  expect(known.slice(first).every(Boolean)).toBe(true);
  expect(25_000 - first).toBeGreaterThanOrEqual(7_500);
  expect(dedupe.takeEvicted()).toBe(first);
  expect(dedupe.takeEvicted()).toBe(0);
});

test('the fields of an id don’t run into one another', () => {
  const idOf = idReader(['city', 'observed_at']);
  expect(idOf({ city: 'a', observed_at: 11 })).not.toBe(idOf({ city: 'a1', observed_at: 1 }));
  expect(idReader(['event_id'])({ event_id: 'x' })).toBe('x');
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
      const same = idOf({ city: a, observed_at: b }) === idOf({ city: c, observed_at: d });
      expect(same).toBe(a === c && b === d);
    }),
  );
});
