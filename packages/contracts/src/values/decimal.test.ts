import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDecimal, toBigInt, toDouble, toFloat } from './decimal.ts';

test.each([
  ['0.1', 0.1],
  ['-12.50', -12.5],
  ['9007199254740992', 2 ** 53],
  ['9007199254740993', 'not_exact'],
  ['9007199254740992.5', 'not_exact'],
  ['12345678901234567.89', 'not_exact'],
  ['1152921504606846976', 2 ** 60],
  ['1e23', 1e23],
  ['100000000000000000000000', 1e23],
  ['1e400', 'out_of_range'],
  ['-1e400', 'out_of_range'],
  ['1e-400', 'out_of_range'],
  ['0e-400', 0],
  ['-0', -0],
  ['1.7976931348623157e308', Number.MAX_VALUE],
])('%s as a double is %s', (text, expected) => {
  expect(toDouble(text)).toBe(expected);
});

test.each([
  ['0.1', 0.1],
  ['16777216', 2 ** 24],
  ['16777217', 'not_exact'],
  ['1.1e10', 1.1e10],
  ['3.5e38', 'out_of_range'],
  ['1e-60', 'out_of_range'],
])('%s as a float is %s', (text, expected) => {
  expect(toFloat(text)).toBe(expected);
});

test('every double that is printed is read again, and every integer is exact or refused', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      expect(toDouble(String(number))).toBe(number === 0 ? 0 : number);
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (integer) => {
      const decimal = parseDecimal(String(integer));
      expect(decimal && toBigInt(decimal)).toBe(integer);
      const double = toDouble(String(integer));
      if (typeof double === 'number' && BigInt(double) !== integer)
        expect(
          BigInt(
            String(double).includes('e')
              ? (toBigInt(parseDecimal(String(double)) ?? never()) ?? 0n)
              : String(double),
          ),
        ).toBe(integer);
    }),
  );
});

function never(): never {
  throw new Error('a double is a decimal number');
}
