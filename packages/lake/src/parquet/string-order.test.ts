import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareUtf8, lowerBound, upperBound } from './string-order.ts';

const bytes = (value: string): Buffer => Buffer.from(value, 'utf8');
/** Any UTF-16, including lone surrogates. Code units near the surrogates occur more often than in uniform draws. */
const units = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }),
  fc.constantFrom(0x61, 0x7f, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfffd, 0xffff),
);
const anyString = fc
  .array(units, { maxLength: 80 })
  .map((codes) => codes.map((code) => String.fromCharCode(code)).join(''));

describe('order of strings', () => {
  it('is that of the stored bytes', () => {
    fc.assert(
      fc.property(anyString, anyString, anyString, (prefix, left, right) => {
        const [a, b] = [prefix + left, prefix + right];
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(bytes(a), bytes(b)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('puts supplementary characters behind all others', () => {
    expect(compareUtf8('\u{10000}', '\uFFFF')).toBeGreaterThan(0);
    expect(compareUtf8('\uE000', '\u{10000}')).toBeLessThan(0);
  });
});

describe('bounds of strings', () => {
  it('enclose the value, in at most 32 characters', () => {
    fc.assert(
      fc.property(anyString, (value) => {
        const [lower, upper] = [lowerBound(value), upperBound(value)];
        expect(Buffer.compare(bytes(lower), bytes(value))).toBeLessThanOrEqual(0);
        expect([...lower].length).toBeLessThanOrEqual(32);
        expect(lower.isWellFormed()).toBe(true);
        if (upper === undefined) return;
        expect(Buffer.compare(bytes(upper), bytes(value))).toBeGreaterThanOrEqual(0);
        expect([...upper].length).toBeLessThanOrEqual(32);
        expect(upper.isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are the value itself when it is short', () => {
    const value = 'é'.repeat(32);
    expect([lowerBound(value), upperBound(value)]).toEqual([value, value]);
  });

  it('carry into the character before when the last one has no successor', () => {
    expect(upperBound(`${'a'.repeat(30)}b\u{10FFFF}rest`)).toBe(`${'a'.repeat(30)}c`);
    expect(upperBound(`${'a'.repeat(31)}\uD7FFrest`)).toBe(`${'a'.repeat(31)}\uE000`);
    expect(upperBound('\u{10FFFF}'.repeat(33))).toBeUndefined();
  });
});
