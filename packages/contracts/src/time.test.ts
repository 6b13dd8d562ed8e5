import fc from 'fast-check';
import { expect, test } from 'vitest';
import { epochMs } from './time.ts';

test('every instant is read as it was written, and no day that the calendar lacks', () => {
  const min = new Date('0001-01-01T00:00:00.000Z');
  fc.assert(
    fc.property(fc.date({ min, max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }), (date) => {
      expect(epochMs(date.toISOString())).toBe(date.getTime());
    }),
    { numRuns: 2_000 },
  );
  for (const year of [1900, 2000, 2023, 2024, 2100]) {
    for (let month = 1; month <= 12; month++) {
      for (let day = 0; day <= 32; day++) {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}T01:02:03.004Z`;
        const ms = Date.UTC(year, month - 1, day, 1, 2, 3, 4);
        expect(epochMs(text), text).toBe(new Date(ms).getUTCDate() === day ? ms : undefined);
      }
    }
  }
});

test.each([
  '2024-05-01T24:00:00.000Z',
  '2024-05-01T12:60:00.000Z',
  '2024-05-01T12:00:60.000Z',
  '2024-05-0xT12:00:00.000Z',
])('%s is no time', (text) => {
  expect(epochMs(text)).toBeUndefined();
});
