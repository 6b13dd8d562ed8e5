import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlainJson } from './plain-json.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test.each([
  '{}',
  '[]',
  '7',
  '-0',
  '"x"',
  'null',
  '{"a":{"b":[1,-2.5,0.1,[],{}],"c":"\\"\\\\\\n"},"é😀":true,"x":false}',
  `${'['.repeat(30)}${']'.repeat(30)}`,
])('%s is plain', (text) => {
  expect(isPlainJson(text)).toBe(true);
});

test.each([
  '',
  '{',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{,}',
  '[1,]',
  '[1}',
  '{"a":1]',
  '01',
  '-',
  '1.',
  '.5',
  'tru',
  '"a',
  '"\\',
  '"\\x"',
  '"\u0000"',
  '"\n"',
  '{}{}',
  '{a:1}',
  'NaN',
])('%s is no JSON', (text) => {
  expect(isJson(text)).toBe(false);
  expect(isPlainJson(text)).toBe(false);
});

test.each(['{ }', '"\\u0000"', '1e5', '12345678901234567', `${'['.repeat(31)}${']'.repeat(31)}`])(
  '%s is JSON, and not plain',
  (text) => {
    expect(isJson(text)).toBe(true);
    expect(isPlainJson(text)).toBe(false);
  },
);

test('what it accepts is JSON, and most of what programs write is plain', () => {
  const pieces = fc.array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '1',
      '0',
      '-',
      '.',
      'true',
      'null',
      '\\',
      'n',
      ' ',
      '\t',
    ),
    { maxLength: 8 },
  );
  let plain = 0;
  fc.assert(
    fc.property(pieces, (all) => {
      const text = all.join('');
      if (!isPlainJson(text)) return;
      plain += 1;
      expect(isJson(text)).toBe(true);
    }),
    { numRuns: 50_000, seed: 2_026 },
  );
  expect(plain).toBeGreaterThan(100);
  const small = fc
    .jsonValue({ maxDepth: 4 })
    .filter((value) => !/e[-+]?\d|[\d.]{15}|\\u/.test(JSON.stringify(value)));
  fc.assert(
    fc.property(small, (value) => {
      expect(isPlainJson(JSON.stringify(value))).toBe(true);
    }),
  );
});
