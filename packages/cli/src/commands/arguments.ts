import { isDate, timeReader } from '@windrow/contracts';
import { InvalidArgumentError } from 'commander';

// Parsers for options and arguments that several commands have.

/** @throws InvalidArgumentError for another text than a positive integer */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a positive integer.');
}

/** @throws InvalidArgumentError for another text than a positive number */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a positive number.');
}

/** Returns the text if it is a date of the calendar. @throws InvalidArgumentError */
export function date(text: string): string {
  if (isDate(text)) return text;
  throw new InvalidArgumentError('It must be a date such as 2013-01-15.');
}

const readTime = timeReader();

/** Reads the forms of times that inputs have; UTC without an offset. @returns epoch milliseconds @throws InvalidArgumentError */
export function time(text: string): number {
  const reading = readTime(text);
  // A person can say which unit a number has.
  if (reading.ok && reading.warning === undefined) return reading.ms;
  throw new InvalidArgumentError('It must be a time such as 2026-06-01T12:00:00Z.');
}
