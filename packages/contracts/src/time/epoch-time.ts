import { refusedTime } from './refused-time.ts';
import { isInTimeBounds } from './time-bounds.ts';
import { invalidTime, type TimeReading, timeOutOfRange } from './time-reading.ts';

/** The unit of a number since 1970-01-01T00:00:00Z. */
export type TimeUnit = 'seconds' | 'milliseconds' | 'microseconds' | 'nanoseconds';

const unitDigits: Record<TimeUnit, number> = { seconds: 0, milliseconds: 3, microseconds: 6, nanoseconds: 9 };

/**
 * The unit of numbers with that many digits before the point, for times from 1973 to 2286; milliseconds from 1970-04-26, and
 * seconds from 1973-03-03. With the sign of times before 1970 likewise.
 */
const unitByDigits: readonly (TimeUnit | undefined)[] = Array.from({ length: 20 }, (_, digits) => {
  if (digits === 9 || digits === 10) return 'seconds';
  if (digits >= 11 && digits <= 13) return 'milliseconds';
  if (digits === 15 || digits === 16) return 'microseconds';
  return digits === 18 || digits === 19 ? 'nanoseconds' : undefined;
});

const number = '-?(?:[0-9]{9,13}|[0-9]{15,16}|[0-9]{18,19})(?:[.][0-9]+)?';
/** The texts that {@link epochTime} accepts without a unit, as a regular expression for JSON Schema. */
export const epochTimePattern = number;

/** The JSON numbers that {@link epochTime} accepts without a unit, as bounds for JSON Schema. */
export const epochTimeBounds = [
  [8, 13],
  [14, 16],
  [17, 19],
].flatMap(([from = 0, to = 0]) => [
  { minimum: 10 ** from, exclusiveMaximum: 10 ** to },
  { exclusiveMinimum: -(10 ** to), maximum: -(10 ** from) },
]);

const decimal = /^([+-]?)([0-9]+)(?:[.]([0-9]*))?$/;
const exponent = /^[+-]?[0-9.]+e[+-]?[0-9]{1,3}$/i;

/** Whether the text is a decimal number, so that only {@link epochTime} can read it. */
export function isNumeric(text: string): boolean {
  return decimal.test(text) || exponent.test(text);
}

/** Whether the number is a whole one that means milliseconds, with or without a declared unit. Every event has such times. */
export function isUsualMs(value: unknown): value is number {
  return typeof value === 'number' && value >= 10 ** 10 && value < 10 ** 13 && Number.isInteger(value);
}

/** Reads a decimal number as a time. Without a unit, the number of digits tells it, with a warning unless it is the usual one. */
export function epochTime(text: string, unit?: TimeUnit, usual: TimeUnit = 'milliseconds'): TimeReading {
  const plain = exponent.test(text) ? String(Number(text)) : text;
  const match = decimal.exec(plain);
  if (!match) return refusedTime(text);
  const [, sign, digits = '', fraction = ''] = match;
  const whole = digits.replace(/^0+(?=.)/, '');
  const told = unitByDigits[whole.length];
  const used = unit ?? told;
  if (used === undefined) return invalidTime(noUnit(plain, whole));
  const scale = 9 - unitDigits[used];
  // Cut to the nanosecond at or before it.
  const below = /[1-9]/.test(fraction.slice(scale)) && sign === '-' ? 1n : 0n;
  const magnitude = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  const nanos = sign === '-' ? -magnitude - below : magnitude;
  const inMs = nanos / 1_000_000n;
  const rest = Number(nanos - inMs * 1_000_000n);
  const ms = Number(inMs) - (rest < 0 ? 1 : 0);
  if (unit !== undefined && told !== undefined && told !== unit && isMistaken(ms))
    return invalidTime(`it looks like ${told} since 1970; this field takes ${unit}`, `${unit} since 1970`);
  if (!isInTimeBounds(ms)) return timeOutOfRange;
  const reading: TimeReading = { ok: true, ms, nanos: rest < 0 ? rest + 1_000_000 : rest };
  return unit === undefined && used !== usual ? { ...reading, warning: 'time_unit_guessed' } : reading;
}

const firstMonthsMs = 10 ** 10;
const farMs = 10 ** 14;

/** Whether another unit is likelier than the declared one: with it, the time is in early 1970 or after the year 5138. */
function isMistaken(ms: number): boolean {
  return Math.abs(ms) < firstMonthsMs || Math.abs(ms) >= farMs;
}

function noUnit(text: string, digits: string): string {
  const calendar = /^(\d{4})(\d\d)(\d\d)$/.exec(text);
  const hint = calendar ? `, and for the date ${calendar.slice(1).join('-')} a text` : '';
  return `numbers of ${digits.length} digits have no unit that can be told; send milliseconds since 1970${hint}`;
}
