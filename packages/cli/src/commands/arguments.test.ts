import { expect, test } from 'vitest';
import { time } from './arguments.ts';

test.each(['2026-06-01T12:00:00Z', '2026-06-01 14:00:00+02', '2026-06-01 12:00', '1780315200000'])(
  '%s is a time',
  (text) => {
    expect(time(text)).toBe(Date.UTC(2026, 5, 1, 12));
  },
);

test.each(['yesterday', '2026-06-31', '1780315200', '+287168-10-07T04:00:00Z'])('%s is no time', (text) => {
  expect(() => time(text)).toThrow('It must be a time such as 2026-06-01T12:00:00Z.');
});
