import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExactJson } from './exact-json.ts';
import { scanJson } from './json-scan.ts';
import { NumberText } from './number-text.ts';

function parse(text: string): unknown {
  const bytes = Buffer.from(text);
  return parseExactJson(bytes, scanJson(bytes));
}

test.each([
  '157963456373623803',
  '-9007199254740993',
  '12345678901234567.89',
  '1e400',
  '1E5',
  '1.10',
  '5.0',
  '-0',
  '-0.0',
  '0.0000001',
  '0.1000000000000000055511151231257827',
  '100000000000000000000000',
])('%s stays digit for digit', (number) => {
  expect(parse(number)).toEqual(new NumberText(number));
  expect(JSON.stringify(parse(`{"a":[1,${number}],"b":{"c":${number} }}`))).toBe(
    `{"a":[1,${number}],"b":{"c":${number}}}`,
  );
});

test.each(['0', '-1', '0.1', '-0.5', '47.37688888888889', '0.30000000000000004', '999999999999999', '0.05'])(
  '%s stays a number',
  (number) => {
    expect(parse(`[${number}]`)).toEqual([Number(number)]);
  },
);

test.each([
  '{1.0:2}',
  '[1.0.0]',
  '[01.0]',
  '[1.]',
  '[.5]',
  '[1e]',
  '[--1.0]',
  '[1.0 2]',
  '{"a":1.0',
  '1.0 '.repeat(2),
])('%s is no JSON', (text) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(() => parse(text)).toThrow(SyntaxError);
});

test('texts with the look of numbers, escapes and names stay texts', () => {
  const text = '{"1.0":"1.0","q\\"":"\\\\","u":"\\u0031.0","n":5.0,"__proto__":{"x":1.10},"n":6.00}';
  const value = parse(text) as Record<string, unknown>;
  expect(value.n).toEqual(new NumberText('6.00'));
  expect(Object.keys(value)).toEqual(['1.0', 'q"', 'u', 'n', '__proto__']);
  expect(JSON.stringify(value)).toBe('{"1.0":"1.0","q\\"":"\\\\","u":"1.0","n":6.00,"__proto__":{"x":1.10}}');
});

const digits = (least: number, most: number) =>
  fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: least, maxLength: most })
    .map((each) => each.join(''));
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(
      fc.constant('0'),
      digits(0, 40).map((rest) => `7${rest}`),
    ),
    fc.oneof(
      fc.constant(''),
      digits(1, 40).map((rest) => `.${rest}`),
    ),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('') },
      fc.tuple(fc.constantFrom('e', 'E', 'e+', 'E-'), digits(1, 5)).map((e) => e.join('')),
    ),
  )
  .map((parts) => parts.join(''));
const text = fc.string({ unit: 'binary', maxLength: 8 }).map((each) => JSON.stringify(each));
const space = fc.constantFrom('', ' ', '\n\t');

/** JSON as text, with white space between its tokens. */
const document = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    number,
    text,
    fc.constantFrom('true', 'null'),
    tie('array'),
    tie('object'),
  ),
  array: fc
    .tuple(space, fc.array(tie('value'), { maxLength: 5 }))
    .map(([gap, items]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`),
  object: fc
    .tuple(space, fc.uniqueArray(fc.tuple(text, tie('value')), { maxLength: 5, selector: ([name]) => name }))
    .map(
      ([gap, members]) =>
        `{${members.map(([name, value]) => `${gap}${name}${gap}:${gap}${value}${gap}`).join(',')}}`,
    ),
})).value as fc.Arbitrary<string>;

/** The tokens of JSON: texts as they are written by JSON.stringify, numbers digit for digit. */
const tokens = (json: string) => json.match(/"(?:[^"\\]|\\.)*"|[^\s"[\]{},:]+|[[\]{},:]/g) ?? [];

test('every document is written again with the same tokens', () => {
  let numberTexts = 0;
  fc.assert(
    fc.property(document, (json) => {
      numberTexts += scanJson(Buffer.from(json)).numberTexts.length;
      // Members with integers as names would come first.
      fc.pre(!/"\d+"\s*:/.test(json));
      expect(tokens(JSON.stringify(parse(json)))).toEqual(tokens(json));
    }),
    { numRuns: 2_000, seed: 2_026 },
  );
  expect(numberTexts).toBeGreaterThan(1_000);
});

test('the same texts are JSON as for JSON.parse', () => {
  const pieces = fc.array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1.0',
      '1',
      '-',
      'e5',
      '.',
      ' ',
      '"',
      '\\',
      '\\u0000',
      '123456789012345678',
    ),
    { maxLength: 9 },
  );
  const outcome = (parser: (text: string) => unknown, json: string) => {
    try {
      parser(json);
      return 'JSON';
    } catch (error) {
      return (error as Error).message;
    }
  };
  fc.assert(
    fc.property(pieces, (all) => {
      expect(outcome(parse, all.join(''))).toEqual(outcome(JSON.parse, all.join('')));
    }),
    { numRuns: 20_000, seed: 2_026 },
  );
});

test.each([
  ['"\\ud83d\\ude00"', false],
  ['"\\uD83D\\uDE00 \\u00e9"', false],
  ['"cut \\ud83d"', true],
  ['"\\ude00\\ud83d"', true],
  ['"\\ud83d\\ud83d\\ude00"', true],
  ['"\\u0000"', true],
  ['"\\\\u0000 \\\\ud83d"', false],
])('%s has broken text: %s', (text, expected) => {
  expect(scanJson(Buffer.from(`{"a":${text},"b":1.0}`)).hasBrokenText).toBe(expected);
});

test('depth and lengths are measured, whatever is in texts', () => {
  const json = '{"batch":[{"a":"}]"},{"b":[1.0,"\\"["]}],"x":{}}';
  const { depth, longest } = scanJson(Buffer.from(json));
  expect(depth).toBe(4);
  expect(longest.slice(1)).toEqual([json.length, 30, 17]);
});
