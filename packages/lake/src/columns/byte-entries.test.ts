import { must } from '@windrow/runtime/testing';
import { describe, expect, test } from 'vitest';
import { ByteEntries, viewOf } from './byte-entries.ts';

function put(entries: ByteEntries, value: string | Uint8Array): number {
  // The entries lie in the middle of a larger buffer, like the records of a fetched batch.
  const bytes = Buffer.concat([Buffer.from('\xff?'), Buffer.from(value as string), Buffer.from('!')]);
  return entries.put(bytes, viewOf(bytes), 3, bytes.length - 1);
}

const textOf = (entries: ByteEntries, code: number): string => Buffer.from(entries.entry(code)).toString();

/** Adds the values and reads all of them back. */
function roundTrip(entries: ByteEntries, values: readonly string[]): void {
  const codes = values.map((value) => put(entries, value));
  for (const [index, value] of values.entries()) {
    if (textOf(entries, must(codes[index])) !== value) throw new Error(`value ${index} is another`);
  }
}

describe('a dictionary of byte strings', () => {
  test('gives equal byte strings one code, at every length', () => {
    const entries = new ByteEntries(true);
    const values = Array.from({ length: 300 }, (_, length) => 'ab'.repeat(length).slice(0, length));
    const codes = values.map((value) => put(entries, value));
    expect(new Set(codes).size).toBe(values.length);
    expect(values.map((value) => put(entries, value))).toEqual(codes);
    expect(codes.map((code) => textOf(entries, code))).toEqual(values);
  });

  test('tells byte strings apart that differ in one byte only', () => {
    for (const length of [1, 2, 3, 4, 5, 7, 8, 11, 64]) {
      const entries = new ByteEntries(false);
      const bytes = new Uint8Array(length);
      put(entries, bytes);
      for (let at = 0; at < length; at++) {
        const other = bytes.slice();
        other[at] = 1;
        put(entries, other);
      }
      expect(entries.count).toBe(length + 1);
    }
  });

  test('is given up above 65,536 entries, and all values are right before, at and after', () => {
    const entries = new ByteEntries(true);
    // Each value occurs twice, so that the values don't look unique.
    const values = Array.from({ length: 65_537 + 1_000 }, (_, index) => `v${index.toString(36)}`);
    const early = values.slice(0, 65_536).flatMap((value) => [value, value]);
    roundTrip(entries, early);
    expect(entries.isDictionary).toBe(true);
    expect(entries.count).toBe(65_536);
    const kept = put(entries, must(values[5]));
    put(entries, must(values[65_536]));
    expect(entries.isDictionary).toBe(false);
    roundTrip(entries, values);
    expect(textOf(entries, kept)).toBe(values[5]);
    expect(put(entries, 'again')).not.toBe(put(entries, 'again'));
  });

  test('is given up above 1 MiB, also by one long value', () => {
    const entries = new ByteEntries(true);
    const half = 'x'.repeat(2 ** 19);
    const [first, second] = [put(entries, half), put(entries, half.replace('x', 'y'))];
    expect(entries.isDictionary).toBe(true);
    expect(put(entries, half)).toBe(first);
    const third = put(entries, 'z');
    expect(entries.isDictionary).toBe(false);
    expect(textOf(entries, first)).toBe(half);
    expect(textOf(entries, second)).toBe(half.replace('x', 'y'));
    expect(textOf(entries, third)).toBe('z');

    const other = new ByteEntries(true);
    const long = 'é'.repeat(2 ** 20);
    roundTrip(other, ['a', long, 'a', '']);
    expect(other.isDictionary).toBe(false);
  });

  test('is given up when nearly all of the first 16,384 values differ, and not when an eighth is there twice', () => {
    const entries = new ByteEntries(true);
    for (let index = 0; index < 14_336; index++) put(entries, `${index}`);
    expect(entries.isDictionary).toBe(true);
    roundTrip(entries, ['14335', '14336', '14337', '0']);
    expect(entries.isDictionary).toBe(false);

    const others = new ByteEntries(true);
    for (let index = 0; index < 2_049; index++) put(others, 'same');
    for (let index = 0; index < 20_000; index++) put(others, `${index}`);
    expect(others.isDictionary).toBe(true);
  });

  test('is given up when values collide', () => {
    const entries = new ByteEntries(false);
    // The last word can cancel the effect of the first one on the hash, so all values have the same hash.
    const collide = (word: number): Uint8Array => {
      const bytes = new Uint8Array(8);
      viewOf(bytes).setInt32(0, word, true);
      viewOf(bytes).setInt32(4, Math.imul(8 ^ word, 0x9e37_79b1), true);
      return bytes;
    };
    const codes: number[] = [];
    for (let word = 0; word < 129; word++) codes.push(put(entries, collide(word)));
    expect(entries.isDictionary).toBe(true);
    expect(put(entries, collide(77))).toBe(codes[77]);
    for (let word = 129; word < 200; word++) codes.push(put(entries, collide(word)));
    expect(entries.isDictionary).toBe(false);
    for (const [word, code] of codes.entries()) expect(entries.entry(code)).toEqual(collide(word));
  });

  test('is a dictionary again after it was cleared', () => {
    const entries = new ByteEntries(true);
    put(entries, 'x'.repeat(2 ** 21));
    expect(entries.isDictionary).toBe(false);
    entries.clear();
    expect(entries.isDictionary).toBe(true);
    expect(entries.count).toBe(0);
    const codes = ['b', 'a', 'b', ''].map((value) => put(entries, value));
    expect(codes).toEqual([0, 1, 0, 2]);
    entries.clear();
    expect(['a', 'b'].map((value) => put(entries, value))).toEqual([0, 1]);
    expect(textOf(entries, 0)).toBe('a');
  });

  test.each([
    ['a lone byte', [0x61, 0xff, 0x62]],
    ['a cut sequence', [0xe2, 0x82]],
    ['a surrogate', [0xed, 0xa0, 0x80, 0x61, 0x61]],
    ['an overlong slash', [0xc0, 0xaf, 0x61, 0x61, 0x61, 0x61]],
  ])('%s in a text is replaced, and found again', (_, bytes) => {
    const entries = new ByteEntries(true);
    const expected = Buffer.from(bytes).toString();
    const code = put(entries, Uint8Array.from(bytes));
    expect(Buffer.from(entries.entry(code))).toEqual(Buffer.from(expected));
    expect(put(entries, Uint8Array.from(bytes))).toBe(code);
    expect(put(entries, expected)).toBe(code);
    expect(entries.count).toBe(1);

    const long = Uint8Array.from([...bytes, ...Buffer.from('x'.repeat(1_000)), ...bytes]);
    expect(textOf(entries, put(entries, long))).toBe(Buffer.from(long).toString());
    const raw = new ByteEntries(false);
    expect([...raw.entry(put(raw, Uint8Array.from(bytes)))]).toEqual(bytes);
  });

  test('a byte that is no UTF-8 is found at every place of a text', () => {
    for (const length of [1, 3, 4, 7, 8, 9, 15, 16, 40, 511, 512, 513]) {
      const entries = new ByteEntries(true);
      for (let at = 0; at < length; at++) {
        const bytes = Buffer.alloc(length, 'a');
        bytes[at] = 0xff;
        const stored = Buffer.from(entries.entry(put(entries, bytes)));
        if (!stored.equals(Buffer.from(bytes.toString()))) throw new Error(`byte ${at} of ${length}`);
      }
      expect(entries.count).toBe(length);
    }
  });
});
