import { expect, test } from 'vitest';
import { canonicalJson, canonicalNumber } from './canonical-json.ts';
import { canonicalFormOf, canonicalForms } from './canonical-values.ts';

test.each([
  ['{"b": 1, "a": [true, null, "x"]}', '{"a":[true,null,"x"],"b":1}'],
  ['{"a": 1, "a": 2}', '{"a":2}'],
  ['{"n": 157963456373623803}', '{"n": 157963456373623803.00}'],
  ['{"n": 1e400}', `{"n": 1${'0'.repeat(400)}}`],
  ['{"n": -0.0, "m": 1.50}', '{"m": 15e-1, "n": 0}'],
  ['{"s": "\\u00e9"}', '{"s": "é"}'],
  ['{"__proto__": 1}', '{ "__proto__" : 1.0 }'],
])('%s is %s', (one, other) => {
  expect(canonicalJson(one)).toBe(canonicalJson(other));
});

test.each([
  ['{"n": 157963456373623803}', '{"n": 157963456373623800}'],
  ['{"n": 0.1}', '{"n": 0.10000000000000001}'],
  ['{"s": "1"}', '{"s": 1}'],
  ['{"a": null}', '{}'],
  ['[1, 2]', '[2, 1]'],
])('%s is not %s', (one, other) => {
  expect(canonicalJson(one)).not.toBe(canonicalJson(other));
});

test('JSON beyond the depth of the stack has a form, and text that is no JSON has one', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  expect(canonicalJson(deep)).toBe('nested too deeply to compare');
  expect(canonicalJson('{')).toBe('not JSON: {');
});

test.each([
  ['100', '1e2'],
  ['-0', '0'],
  ['00.0100', '1E-2'],
  ['12300e-2', '123'],
  ['NaN', 'NaN'],
])('the number %s is %s', (one, other) => {
  expect(canonicalNumber(one)).toBe(canonicalNumber(other));
});

test('times are compared by microseconds, also those that have no date', () => {
  const { ofLake, ofPostgres } = canonicalForms.timestamptz;
  expect(ofLake(1_717_000_000_000n, { unit: 'MILLIS' })).toBe('2024-05-29T16:26:40.000Z');
  expect(ofLake(1_717_000_000_000n, {})).toBe(ofPostgres('1717000000000000.000000'));
  expect(ofLake(-1n, { unit: 'MICROS' })).toBe('1969-12-31T23:59:59.999999Z');
  expect(ofPostgres('-1.000000')).toBe('1969-12-31T23:59:59.999999Z');
  expect(ofLake(9_000_000_000_000_000n, { unit: 'MILLIS' })).toBe('9000000000000000000 µs since 1970');
  expect(ofPostgres('Infinity')).toBe('Infinity');
});

test('doubles are compared by their bits', () => {
  const { ofLake, ofPostgres } = canonicalForms['double precision'];
  expect(ofLake(-0, {})).not.toBe(ofLake(0, {}));
  expect(ofPostgres('-0')).toBe(ofLake(-0, {}));
  expect(ofPostgres('1e+100')).toBe(ofLake(1e100, {}));
  expect(ofPostgres('NaN')).toBe(ofLake(Number.NaN, {}));
});

test('a text keeps its first character, whatever it is', () => {
  const { ofLake, ofPostgres } = canonicalForms.text;
  expect(ofLake(Buffer.from('\uFEFFid'), {})).toBe(ofPostgres('\uFEFFid'));
  expect(ofLake(Buffer.from('\uFEFFid'), {})).not.toBe('id');
});

test('decimals are compared by all their digits, however they are stored', () => {
  const { ofLake, ofPostgres } = canonicalFormOf('numeric(38,10)');
  expect(ofLake(-12345n, { scale: 2 })).toBe(ofPostgres('-123.4500000000'));
  expect(ofLake(Buffer.from('ff', 'hex'), { scale: 0 })).toBe(ofPostgres('-1'));
  expect(ofLake(1n, { scale: 10 })).not.toBe(ofPostgres('0.0000000002'));
});
