import { exactNumber } from './decimal.ts';
import { NumberText } from './number-text.ts';

/** A date with a day up to 31, and a time of day. {@link epochMs} checks whether the month has that day. */
const date = '[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])';
const clock = '(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]+)?)?';
const zone = '[Zz]|[Uu][Tt][Cc]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]';
const iso = `(${date})(?:[Tt ](${clock})\\s*(${zone})?)?`;
const epoch = '-?[0-9]{9,16}';

/** The texts that {@link epochMs} accepts, as a regular expression for JSON Schema. */
export const timePattern = `^\\s*(?:${epoch}|${iso})\\s*$`;

const isoTime = new RegExp(`^${iso}$`);
const epochTime = new RegExp(`^${epoch}$`);

/**
 * Parses ISO 8601, or epoch milliseconds as a number or text. As in exports, there may be a space instead of the T, and no
 * zone: then it is UTC. Undefined for anything else, also for dates that don't exist.
 */
export function epochMs(value: unknown): number | undefined {
  if (value instanceof NumberText) return epochMs(exactNumber(value.sourceText));
  if (typeof value === 'number')
    return Number.isSafeInteger(Math.trunc(value)) ? Math.trunc(value) : undefined;
  if (typeof value !== 'string') return undefined;
  const utc = utcMs(value);
  if (utc !== undefined) return utc;
  const text = value.trim();
  if (epochTime.test(text)) return Number(text);
  const match = isoTime.exec(text);
  if (!match) return undefined;
  const [, day = '', time, offset = 'Z'] = match;
  const midnightMs = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnightMs) || new Date(midnightMs).toISOString().slice(0, 10) !== day) return undefined;
  if (time === undefined) return midnightMs;
  const isoZone = /^[+-]/.test(offset) ? offset.replace(/^(...):?(..)$/, '$1:$2') : 'Z';
  const ms = Date.parse(`${day}T${time}${isoZone}`);
  return Number.isNaN(ms) ? undefined : ms;
}

const zero = 0x30;

/** Parses only `2024-05-01T12:00:00.000Z`, the format of the SDKs, without a regular expression: every event has several times. */
function utcMs(text: string): number | undefined {
  if (text.length !== 24 || text[10] !== 'T' || text[19] !== '.' || text[23] !== 'Z') return undefined;
  if (text[4] !== '-' || text[7] !== '-' || text[13] !== ':' || text[16] !== ':') return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  const ms = digits(text, 20, 23);
  // Years below 100 and invalid times are left to the general parser. NaN is in no range.
  if (!(year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined;
  if (!(hour < 24 && minute < 60 && second < 60 && ms >= 0)) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

function digits(text: string, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** Whether the text is a date of the calendar, such as `2013-01-15`. */
export function isDate(text: string): boolean {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
