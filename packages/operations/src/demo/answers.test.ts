import { expect, test } from 'vitest';
import { type Answer, agree } from './answers.ts';

const answer: Answer = {
  wet: { flights: 1_500, meanMinutes: 18.4076 },
  dry: { flights: 25_000, meanMinutes: 9.55 },
};

test('two answers agree when they differ by no more than the order of summing makes', () => {
  expect(agree(answer, { ...answer, wet: { flights: 1_500, meanMinutes: 18.4076 + 1e-12 } })).toBe(true);
});

test.each<[string, Answer]>([
  ['another mean', { ...answer, dry: { flights: 25_000, meanMinutes: 9.56 } }],
  ['the same mean of other flights', { ...answer, wet: { flights: 3_000, meanMinutes: 18.4076 } }],
  ['no flights at all', { ...answer, wet: { flights: 0, meanMinutes: Number.NaN } }],
])('they do not agree: %s', (_case, other) => {
  expect(agree(answer, other)).toBe(false);
  expect(agree(other, other)).toBe(other.wet.flights > 0);
});
