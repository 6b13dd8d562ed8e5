import { NumberText } from '../json/number-text.ts';
import { isDay, midnightMs } from './calendar.ts';
import { epochTime, isNumeric, type TimeUnit } from './epoch-time.ts';
import { instantOf, isTimeZone } from './local-time.ts';
import { refusedTime } from './refused-time.ts';
import { sdkTimeMs } from './sdk-time.ts';
import { isInTimeBounds } from './time-bounds.ts';
import { formatParser } from './time-formats.ts';
import { invalidTime, type TimeReading, timeOutOfRange } from './time-reading.ts';
import { type WrittenTime, writtenTime } from './written-time.ts';

/** How inputs write the times of a field, where they don't say it themselves. */
export interface TimeForm {
  /** The unit of numbers since 1970. Default: the number of digits tells it, with a warning unless it is milliseconds. */
  unit?: TimeUnit;
  /** The IANA zone of texts without an offset. Default: UTC. */
  timezone?: string;
  /** Formats that are tried before the usual ones, with Luxon's tokens, for example `dd.MM.yyyy HH:mm`. */
  formats?: readonly string[];
}

export type TimeReader = (value: unknown) => TimeReading;

/**
 * Makes a reader of the times of a field. docs/reference/times.md lists the forms. It never throws.
 * @param usualUnit the unit of the field, whose numbers need no warning
 */
export function timeReader(
  { unit, timezone = 'UTC', formats = [] }: TimeForm = {},
  usualUnit: TimeUnit = 'milliseconds',
): TimeReader {
  const formatted = formats.length > 0 ? formatParser(formats) : undefined;
  return (value) => {
    if (typeof value === 'number' || typeof value === 'bigint' || value instanceof NumberText)
      return epochTime(String(value), unit, usualUnit);
    if (typeof value !== 'string') return refusedTime(String(value));
    const sdkMs = sdkTimeMs(value);
    if (sdkMs !== undefined) return { ok: true, ms: sdkMs, nanos: 0 };
    const text = value.trim();
    const own = formatted?.(text);
    if (own) return own.isLocal ? localTime(own.ms, 0, timezone) : within(own.ms, 0);
    const written = unit !== undefined && isNumeric(text) ? undefined : writtenTime(text);
    if (written) return instant(written, timezone);
    return isNumeric(text) ? epochTime(text, unit, usualUnit) : refusedTime(text);
  };
}

function instant({ zone, ...written }: WrittenTime, timezone: string): TimeReading {
  const { year, month, day, hour, minute, second, nanos, offsetMs } = written;
  if (!isDay(year, month, day)) return invalidTime(`the month ${year}-${two(month)} has no day ${day}`);
  if (zone !== undefined && !isTimeZone(zone)) return invalidTime(`there is no time zone ${zone}`);
  const ms = Math.floor(nanos / 1_000_000);
  const clockMs = midnightMs(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1_000 + ms;
  const reading =
    offsetMs === undefined
      ? localTime(clockMs, nanos % 1_000_000, zone ?? timezone)
      : within(clockMs - offsetMs, nanos % 1_000_000);
  // A leap second has the number of the second after it, as in POSIX and in Postgres.
  if (second < 60 || !reading.ok || isStartOfMonth(reading.ms)) return reading;
  return invalidTime('the second 60 exists only as 23:59:60 UTC at the end of a month');
}

const two = (number: number): string => String(number).padStart(2, '0');

function localTime(localMs: number, nanos: number, zone: string): TimeReading {
  if (zone === 'UTC') return within(localMs, nanos);
  // Zones are not asked for times far beyond the bounds, which Temporal can't represent.
  const { ms, warning } = instantOf(localMs, zone);
  const reading = within(ms, nanos);
  return reading.ok && warning ? { ...reading, warning } : reading;
}

function within(ms: number, nanos: number): TimeReading {
  return isInTimeBounds(ms) ? { ok: true, ms, nanos } : timeOutOfRange;
}

const dayMs = 86_400_000;

/** Whether the time is in the first second of a month, UTC. */
function isStartOfMonth(ms: number): boolean {
  return ms - Math.floor(ms / dayMs) * dayMs < 1_000 && new Date(ms).getUTCDate() === 1;
}

const defaultReader = timeReader();

/** Milliseconds since 1970 of a time in one of the forms that need no contract; undefined for any other value. */
export function epochMs(value: unknown): number | undefined {
  const reading = defaultReader(value);
  return reading.ok ? reading.ms : undefined;
}
