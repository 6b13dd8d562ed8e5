import { isDate } from '@windrow/contracts';
import { expect, test } from 'vitest';
import { dateOf } from './date-partition.ts';

test.each([
  ['date=2013-01-15/a.jsonl', '2013-01-15'],
  ['region=eu/date=2013-01-15/hour=03/a.jsonl', '2013-01-15'],
  ['2013/01/15/a.jsonl', '2013-01-15'],
  ['eu/2013/01/15/03/a.jsonl', '2013-01-15'],
  ['2012/01/01/date=2013-01-15/a.jsonl', '2013-01-15'],
  ['date=2012-02-29/a.jsonl', '2012-02-29'],
  ['date=2013-02-29/a.jsonl', undefined],
  ['2013/13/01/a.jsonl', undefined],
  ['2013/1/5/a.jsonl', undefined],
  ['update=2013-01-15/a.jsonl', undefined],
  ['12013/01/15/a.jsonl', undefined],
  ['2013-01-15/a.jsonl', undefined],
  ['date=2013-01-15', undefined],
  ['a.jsonl', undefined],
])('%s is of %s', (path, date) => {
  expect(dateOf(path)).toBe(date);
});

test('a day is one of the calendar', () => {
  expect(['2013-01-15', '2012-02-29', '0001-01-01'].every(isDate)).toBe(true);
  expect(['2013-02-29', '2013-1-5', '2013-01-15T00', '', '2013-00-10', '+12013-01-01'].some(isDate)).toBe(
    false,
  );
});
