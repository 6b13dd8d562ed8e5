import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isStorableText, storableId, storableText, storableValue } from './storable-text.ts';

const anyText = fc
  .array(fc.constantFrom('a', '\0', '\ud83d', '\ude00', '😀', '\ufffd', 'é'), { maxLength: 6 })
  .map((each) => each.join(''));

test('texts become storable, and storable ones stay', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const of of [storableText, storableId]) {
        expect(isStorableText(of(text))).toBe(true);
        expect(of(text) === text).toBe(isStorableText(text));
        // UTF-8 keeps it.
        expect(Buffer.from(of(text)).toString()).toBe(of(text));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('ids that differ only in broken characters stay different', () => {
  const ids = ['s-\ud800', 's-\ud801', 's-\udc00', 's-\0', 's-\ufffd'];
  expect(new Set(ids.map(storableId)).size).toBe(ids.length);
  expect(storableId('s-\ud800')).toBe('s-\ufffdd800');
});

test('no member of an object is lost, and what is storable is not copied', () => {
  const value = { 'a\ud800': 1, 'a\ud801': 2, 'a\ufffd': [3, '\0'], b: { c: 'x' } };
  expect(storableValue(value)).toEqual({
    'a\ufffdd800': 1,
    'a\ufffdd801': 2,
    'a\ufffd': [3, '\ufffd'],
    b: { c: 'x' },
  });
  const sound = { a: [{ b: '😀' }, null, 1] };
  expect(storableValue(sound)).toBe(sound);
});
