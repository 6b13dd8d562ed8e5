/** A decimal number of any size: `digits × 10^exponent`, without zeros at either end of the digits. Zero has no digits. */
export interface Decimal {
  isNegative: boolean;
  digits: string;
  exponent: number;
  /** Digits after the decimal point when it is written without an exponent, zeros included. */
  scale: number;
}

const form = /^\s*([-+]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([-+]?[0-9]+))?\s*$/;

/** Undefined if the text is not a decimal number. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = form.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', power = '0'] = match;
  const all = whole + fraction;
  if (all === '') return undefined;
  let start = 0;
  let end = all.length;
  while (start < end && all[start] === '0') start += 1;
  while (end > start && all[end - 1] === '0') end -= 1;
  const scale = fraction.length - Number(power);
  return {
    isNegative: sign === '-',
    digits: all.slice(start, end),
    exponent: start === end ? 0 : all.length - end - scale,
    scale: Math.max(0, scale),
  };
}

/** The number of digits before the decimal point. */
export function wholeDigits({ digits, exponent }: Decimal): number {
  return digits === '' ? 0 : Math.max(0, digits.length + exponent);
}

/** The integer of up to 40 digits that the number is; undefined if it has a fraction or is larger. */
export function toBigInt(decimal: Decimal): bigint | undefined {
  const { digits, exponent, isNegative } = decimal;
  if (digits === '') return 0n;
  if (exponent < 0 || wholeDigits(decimal) > 40) return undefined;
  const size = BigInt(digits) * 10n ** BigInt(exponent);
  return isNegative ? -size : size;
}

/**
 * The double for a decimal number. A fraction becomes the nearest double. From 2^53 on, the number must be the double itself or
 * the shortest text that is read as this double, which is what programs print for a double.
 * @returns the double, or why there is none
 */
export function toDouble(text: string): number | 'out_of_range' | 'not_exact' {
  const number = Number(text);
  if (!Number.isFinite(number)) return 'out_of_range';
  if (Math.abs(number) < 2 ** 53 && number !== 0) return number;
  const decimal = parseDecimal(text);
  if (decimal === undefined || decimal.digits === '') return number;
  if (number === 0) return 'out_of_range';
  const shortest = parseDecimal(String(number));
  if (shortest?.digits === decimal.digits && shortest.exponent === decimal.exponent) return number;
  return wholeDigits(decimal) < 40 && toBigInt(decimal) === BigInt(number) ? number : 'not_exact';
}

/** A float has 24 bits for the digits, so it keeps 6 decimal digits of any number. */
const floatDigits = 6;

/** Like {@link toDouble} for a number with 32 bits. */
export function toFloat(text: string): number | 'out_of_range' | 'not_exact' {
  const number = Number(text);
  const float = Math.fround(number);
  if (!Number.isFinite(float)) return 'out_of_range';
  if (float === 0 && number !== 0) return 'out_of_range';
  if (Math.abs(number) < 2 ** 24) return number;
  const decimal = parseDecimal(text);
  if (decimal === undefined || decimal.digits.length <= floatDigits) return number;
  return toDouble(text) === float ? number : 'not_exact';
}
