/** A day that a month may have, and a time of that day; whether the month has that day is left to {@link epochMs}. */
const date = '[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])';
const clock = '(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]+)?)?';
const zone = '[Zz]|[Uu][Tt][Cc]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]';
const iso = `(${date})(?:[Tt ](${clock})\\s*(${zone})?)?`;
const epoch = '-?[0-9]{9,16}';

/** The texts that {@link epochMs} understands, as a regular expression for JSON Schema. */
export const timePattern = `^\\s*(?:${epoch}|${iso})\\s*$`;

const isoTime = new RegExp(`^${iso}$`);
const epochTime = new RegExp(`^${epoch}$`);

/**
 * ISO 8601 (a space for the T, and no zone, as exports have it: then UTC), or epoch milliseconds as a number or its
 * text; undefined for anything else, days that no calendar has included.
 */
export function epochMs(value: unknown): number | undefined {
  if (typeof value === 'number')
    return Number.isSafeInteger(Math.trunc(value)) ? Math.trunc(value) : undefined;
  if (typeof value !== 'string') return undefined;
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
