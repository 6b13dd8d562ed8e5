import { NumberText } from '../json/number-text.ts';
import { type TimeForm, timeReader } from './read-time.ts';
import { isInTimeBounds } from './time-bounds.ts';
import { invalidTime, type RefusedTime, timeOutOfRange } from './time-reading.ts';

const dayMs = 86_400_000;
const days = /^-?\d{1,7}$/;

/** Days since 1970 of a date, or of a time at midnight UTC. A number is days since 1970. */
export function dateDays(value: unknown, { formats }: TimeForm): number | RefusedTime {
  const expected = 'a date such as 2024-05-01, or days since 1970';
  if (typeof value !== 'string' || days.test(value.trim())) {
    const number = typeof value === 'string' || value instanceof NumberText ? Number(value) : value;
    if (!Number.isInteger(number)) return { ok: false, reason: 'invalid', expected };
    return isInTimeBounds(Number(number) * dayMs) ? Number(number) : timeOutOfRange;
  }
  const reading = timeReader(formats ? { formats } : {})(value);
  if (!reading.ok) return { ...reading, expected };
  if (reading.ms % dayMs !== 0 || reading.nanos !== 0)
    return invalidTime('it has a time of day; send the date alone', expected);
  return reading.ms / dayMs;
}

const clock = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d+))?)?$/;

/** The time of a day, as a text or as a number in the unit; digits beyond the unit are cut off. @param digits of a second */
export function clockTime(value: unknown, digits: 3 | 6): number | RefusedTime {
  const perSecond = 10 ** digits;
  const match = typeof value === 'string' ? clock.exec(value.trim()) : null;
  if (match) {
    const [hours = 0, minutes = 0, seconds = 0] = match.slice(1, 4).map((part) => Number(part ?? 0));
    const fraction = Number((match[4] ?? '').slice(0, digits).padEnd(digits, '0'));
    return ((hours * 60 + minutes) * 60 + seconds) * perSecond + fraction;
  }
  const isText = typeof value === 'string' && /^\d{1,11}$/.test(value.trim());
  const number = isText ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number < 86_400 * perSecond)
    return number;
  const unit = digits === 3 ? 'milliseconds' : 'microseconds';
  return {
    ok: false,
    reason: 'invalid',
    expected: `a time of day such as 13:45:00.5, or ${unit} since midnight`,
  };
}
