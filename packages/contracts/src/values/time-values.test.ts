import { expect, test } from 'vitest';
import type { TimeForm } from '../time/read-time.ts';
import { timeValues } from './time-values.ts';

function converted(logicalType: string, value: unknown, form?: TimeForm) {
  const values = timeValues(logicalType, form);
  const warnings: string[] = [];
  const result = values?.convert(value, warnings as never);
  if (result === undefined) return values?.refusal(value);
  return warnings.length > 0 ? [result, ...warnings] : result;
}

const ms = Date.parse('2024-05-01T12:00:00.123Z');

test.each<[string, unknown, unknown, TimeForm?]>([
  ['timestamp-millis', '2024-05-01 12:00:00.123456+00', ms],
  ['timestamp-micros', '2024-05-01 12:00:00.123456+00', ms * 1_000 + 456],
  ['timestamp-micros', '2024-05-01T12:00:00.123Z', ms * 1_000],
  ['timestamp-micros', '1969-12-31T23:59:59.9999999Z', -1],
  ['timestamp-micros', '9999-12-31T23:59:59.999999Z', 253_402_300_799_999_999n],
  ['timestamp-micros', ms * 1_000 + 456, ms * 1_000 + 456],
  ['timestamp-micros', ms, [ms * 1_000, 'time_unit_guessed']],
  ['timestamp-micros', 7, 7_000_000, { unit: 'seconds' }],
  ['timestamp-nanos', '2024-05-01T12:00:00.123456789Z', BigInt(ms) * 1_000_000n + 456_789n],
  ['timestamp-nanos', '1714564800123456789', BigInt(ms) * 1_000_000n + 456_789n],
  ['local-timestamp-millis', '2024-03-31 02:30:00', Date.parse('2024-03-31T02:30:00Z')],
  ['local-timestamp-micros', '2024-05-01T12:00:00.123456', ms * 1_000 + 456],
  ['date', '2024-05-01', 19_844],
  ['date', '20240501', 19_844],
  ['date', '2024-05-01 00:00:00', 19_844],
  ['date', '1.5.2024', 19_844, { formats: ['d.M.yyyy'] }],
  ['date', 19_844, 19_844],
  ['date', '-1', -1],
  ['date', '0001-01-01', -719_162],
  ['date', '9999-12-31', 2_932_896],
  ['time-millis', '13:45', 49_500_000],
  ['time-millis', '23:59:59.9999', 86_399_999],
  ['time-millis', 0, 0],
  ['time-micros', '00:00:00.000001', 1],
  ['time-micros', '86399999999', 86_399_999_999],
])('%s: %s is %s', (logicalType, value, expected, form) => {
  expect(converted(logicalType, value, form)).toEqual(expected);
});

test.each<[string, unknown, string, string]>([
  ['local-timestamp-millis', '2024-05-01T12:00:00Z', 'invalid', 'send it without an offset'],
  ['local-timestamp-millis', '2024-05-01T12:00:00.000Z', 'invalid', 'send it without an offset'],
  ['timestamp-nanos', '2300-01-01T00:00:00Z', 'out_of_range', ''],
  ['timestamp-micros', '2024-W18-3', 'invalid', 'week dates'],
  ['date', '2024-05-01T12:00:00Z', 'invalid', 'time of day'],
  ['date', '2023-02-30', 'invalid', 'no day 30'],
  ['date', 20_240_501, 'out_of_range', ''],
  ['date', 1.5, 'invalid', ''],
  ['date', {}, 'invalid', ''],
  ['time-millis', '24:00', 'invalid', ''],
  ['time-millis', 86_400_000, 'invalid', ''],
  ['time-micros', '1 PM', 'invalid', ''],
])('%s: %s is refused', (logicalType, value, reason, advice) => {
  const refusal = converted(logicalType, value);
  expect(refusal).toMatchObject({ ok: false, reason });
  expect(JSON.stringify(refusal)).toContain(advice);
});

test('other types are no times', () => {
  expect(timeValues('decimal')).toBeUndefined();
});
