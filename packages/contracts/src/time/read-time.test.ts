import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusedTimes, timeForms } from './fixtures/time-forms.ts';
import { epochMs, timeReader } from './read-time.ts';
import { isInTimeBounds, isoTime, maxTimeMs, minTimeMs } from './time-bounds.ts';
import type { TimeReading } from './time-reading.ts';

describe.each(timeForms)('$name', ({ times }) => {
  test.each(times)('$value is $instant', ({ value, instant, nanos = 0, form, warning }) => {
    const expected = { ok: true, ms: Date.parse(instant), nanos, ...(warning && { warning }) };
    expect(timeReader(form)(value)).toEqual(expected);
    if (typeof value === 'string') expect(timeReader(form)(` ${value}\t`)).toEqual(expected);
  });
});

const textOf = (reading: TimeReading) =>
  reading.ok ? '' : `expected ${reading.expected}; ${reading.advice ?? ''}`;

test.each(refusedTimes)('$value is no time: $message', ({ value, message, reason = 'invalid', form }) => {
  const reading = timeReader(form)(value);
  expect(reading).toMatchObject({ ok: false, reason });
  expect(textOf(reading)).toMatch(message);
});

const anyTimeMs = fc.integer({ min: minTimeMs, max: maxTimeMs });
const two = (number: number) => String(Math.abs(number)).padStart(2, '0');
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** The time in all forms, shown by a clock that is `offsetMinutes` ahead of UTC. */
function formsOf(timeMs: number, offsetMinutes: number): string[] {
  const local = new Date(timeMs + offsetMinutes * 60_000).toISOString();
  const [date = '', clock = ''] = local.slice(0, -1).split('T');
  const [year, month, day = ''] = date.split('-');
  const sign = offsetMinutes < 0 ? '-' : '+';
  const [hours, minutes] = [two(Math.trunc(offsetMinutes / 60)), two(offsetMinutes % 60)];
  const offsets = [`${sign}${hours}:${minutes}`, `${sign}${hours}${minutes}`];
  if (minutes === '00') offsets.push(`${sign}${hours}`);
  if (offsetMinutes === 0) offsets.push('Z', 'z', ' UTC', 'GMT', '');
  const name = months[Number(month) - 1];
  return offsets.flatMap((offset) => [
    `${date}T${clock}${offset}`,
    `${date}t${clock}${offset}`,
    `${date} ${clock}000${offset}`,
    `${date} ${clock.replace('.', ',')}000000 ${offset}`,
    `${date.replaceAll('-', '/')} ${clock}${offset}`,
    `${date}T${clock}${offset || 'Z'}[Europe/Zurich]`,
    `${date.replaceAll('-', '')}T${clock.replaceAll(':', '')}${offset.trim()}`,
    `${Number(day)} ${name} ${year} ${clock} ${offset}`,
    `Mon, ${day} ${name} ${year} ${clock} ${offset}`,
    `${name?.toLowerCase()} ${Number(day)}, ${year} ${clock}${offset}`,
    `${name} ${day} ${year} ${clock} GMT${sign}${hours}${minutes} (Somewhere)`,
  ]);
}

test('every instant is the same in all forms and with every offset', () => {
  const offset = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
  const inside = fc.integer({ min: minTimeMs + 864e5, max: maxTimeMs - 864e5 });
  fc.assert(
    fc.property(inside, fc.oneof(fc.constant(0), offset), (timeMs, offsetMinutes) => {
      for (const text of formsOf(timeMs, offsetMinutes)) expect(epochMs(text), text).toBe(timeMs);
    }),
    { numRuns: 1_000 },
  );
});

test('numbers of every unit are the same instant, when the contract says the unit or when digits tell it', () => {
  const likely = fc.integer({ min: Date.parse('1974-01-01'), max: Date.parse('2286-01-01') });
  fc.assert(
    fc.property(likely, fc.integer({ min: 0, max: 999_999 }), fc.boolean(), (timeMs, nanos, declared) => {
      const digits = `${timeMs}${String(nanos).padStart(6, '0')}`;
      const point = (at: number) => `${digits.slice(0, at)}.${digits.slice(at)}`;
      const units = { seconds: 9, milliseconds: 6, microseconds: 3, nanoseconds: 0 } as const;
      for (const [unit, scale] of Object.entries(units)) {
        const form = declared ? { unit: unit as keyof typeof units } : {};
        const reading = timeReader(form)(scale === 0 ? digits : point(digits.length - scale));
        expect(reading, unit).toMatchObject({ ok: true, ms: timeMs, nanos });
      }
      expect(epochMs(timeMs)).toBe(timeMs);
    }),
    { numRuns: 1_000 },
  );
});

test('every instant is read as it was written, and a day that the calendar lacks is refused', () => {
  fc.assert(
    fc.property(anyTimeMs, (timeMs) => {
      expect(epochMs(isoTime(timeMs))).toBe(timeMs);
    }),
    { numRuns: 2_000 },
  );
  for (const year of [1, 4, 99, 100, 1900, 2000, 2023, 2024, 2100]) {
    for (let month = 1; month <= 12; month++) {
      for (let day = 1; day <= 32; day++) {
        const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
        const ms = Date.parse(`${date}T01:02:03.004Z`);
        const expected = new Date(ms).getUTCDate() === day ? ms : undefined;
        expect(epochMs(`${date}T01:02:03.004Z`), date).toBe(expected);
        expect(epochMs(`${date} 01:02:03.004`), date).toBe(expected);
      }
    }
  }
});

test('whatever is sent, the result is in the years 1 to 9999', () => {
  const near = fc.tuple(fc.constantFrom(minTimeMs, maxTimeMs), fc.integer({ min: -864e5, max: 864e5 }));
  const value = fc.oneof(
    fc.string(),
    fc.double(),
    fc.bigInt(),
    near.map(([bound, by]) => bound + by),
    near.map(([bound, by]) => `${bound + by}`),
    fc.tuple(
      fc.constantFrom('0001-01-01T00:00:00', '9999-12-31T23:59:60'),
      fc.constantFrom('+23:59', '-23:59'),
    ),
  );
  const unit = fc.constantFrom(undefined, 'seconds', 'milliseconds', 'microseconds', 'nanoseconds');
  const timezone = fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/Los_Angeles');
  fc.assert(
    fc.property(value, unit, timezone, (given, told, zone) => {
      const text = Array.isArray(given) ? given.join('') : given;
      const reading = timeReader({ timezone: zone, ...(told && { unit: told as 'seconds' }) })(text);
      if (reading.ok) expect(isInTimeBounds(reading.ms)).toBe(true);
      else expect(textOf(reading)).toMatch(/./);
    }),
    { numRuns: 2_000 },
  );
});
