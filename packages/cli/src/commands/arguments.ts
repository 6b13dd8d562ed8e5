import { isDate } from '@windrow/contracts';
import { InvalidArgumentError } from 'commander';

/** What several commands take as arguments, as commander parses them. */

/** `of`: what is counted, as `events`. */
export const wholeAbove0 =
  (of: string) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw new InvalidArgumentError(`It is a whole number of ${of} above 0.`);
  };

export function eventsAbove0(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It is a number of events above 0.');
}

/** A day of the calendar, as it is written. */
export function date(text: string): string {
  if (isDate(text)) return text;
  throw new InvalidArgumentError('It is a date, as 2013-01-15.');
}
