import { Temporal } from 'temporal-polyfill';
import type { TimeWarning } from './time-reading.ts';

/**
 * The instant of a local time. A time that clocks skipped moves forward by the length of the gap, and of a time that clocks
 * showed twice it is the first, as in java.time and in Temporal (`compatible`).
 * @param localMs the local time as if it were UTC, in milliseconds since 1970
 */
export function instantOf(localMs: number, zone: string): { ms: number; warning?: TimeWarning } {
  const local = Temporal.Instant.fromEpochMilliseconds(localMs).toZonedDateTimeISO('UTC').toPlainDateTime();
  const earlier = local.toZonedDateTime(zone, { disambiguation: 'earlier' }).epochMilliseconds;
  const later = local.toZonedDateTime(zone, { disambiguation: 'later' });
  if (later.epochMilliseconds === earlier) return { ms: earlier };
  return later.toPlainDateTime().equals(local)
    ? { ms: earlier, warning: 'local_time_repeated' }
    : { ms: later.epochMilliseconds, warning: 'local_time_skipped' };
}

/** Whether the name is a time zone of the IANA database, such as `Europe/Zurich`, or `UTC`. */
export function isTimeZone(name: string): boolean {
  if (/^[+-]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
