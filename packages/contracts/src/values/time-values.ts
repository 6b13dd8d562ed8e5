import { longValue } from '../avro/long-value.ts';
import type { InputWarning } from '../contract.ts';
import { epochTimeBounds, epochTimePattern, isUsualMs, type TimeUnit } from '../time/epoch-time.ts';
import { type TimeForm, type TimeReader, timeReader } from '../time/read-time.ts';
import { sdkTimeMs } from '../time/sdk-time.ts';
import { clockTime, dateDays } from '../time/time-parts.ts';
import { invalidTime, type RefusedTime, type TimeReading } from '../time/time-reading.ts';
import { hasOffset, writtenTimePattern } from '../time/written-time.ts';

/** The values that inputs may have for a logical type of Avro, as conversion and as JSON Schema. */
export interface TimeValues {
  /** Converts to the Avro type; undefined for an invalid value. */
  convert(value: unknown, warnings: InputWarning[]): unknown;
  /** Explains why `convert` has returned undefined for this value. */
  refusal(value: unknown): RefusedTime;
  schema: { type: string[] } & Record<string, unknown>;
}

export const timeSchema = {
  type: ['string', 'number'],
  pattern: `^\\s*(?:${epochTimePattern}|${writtenTimePattern})\\s*$`,
  anyOf: epochTimeBounds,
};
const anyTime = { type: ['string', 'number'] };

/** The conversion to a logical type; undefined for a type that is no time. */
export function timeValues(logicalType: string, form: TimeForm = {}): TimeValues | undefined {
  switch (logicalType) {
    case 'timestamp-millis':
      return timestamps('milliseconds', form);
    case 'timestamp-micros':
      return timestamps('microseconds', form);
    case 'timestamp-nanos':
      return timestamps('nanoseconds', form);
    case 'local-timestamp-millis':
      return timestamps('milliseconds', form, true);
    case 'local-timestamp-micros':
      return timestamps('microseconds', form, true);
    case 'local-timestamp-nanos':
      return timestamps('nanoseconds', form, true);
    case 'date':
      return valuesOf((value) => dateDays(value, form));
    case 'time-millis':
      return valuesOf((value) => clockTime(value, 3));
    case 'time-micros':
      return valuesOf((value) => clockTime(value, 6));
    default:
      return undefined;
  }
}

/** @param isLocal the value is what a clock shows, wherever it is */
function timestamps(unit: TimeUnit, form: TimeForm, isLocal = false): TimeValues {
  const readInstant = timeReader(isLocal ? { ...form, timezone: 'UTC' } : form, unit);
  const read = isLocal ? withoutOffset(readInstant) : readInstant;
  const { refusal } = valuesOf((value) => {
    const reading = read(value);
    return reading.ok ? inUnit(reading, unit) : reading;
  });
  const isMs = unit === 'milliseconds' && !isLocal;
  const isMsNumber = isMs && (form.unit ?? unit) === unit;
  return {
    convert(value, warnings) {
      // The two forms that nearly all events have.
      const sdkMs = isMs && typeof value === 'string' ? sdkTimeMs(value) : undefined;
      if (sdkMs !== undefined) return sdkMs;
      if (isMsNumber && isUsualMs(value)) return value;
      const reading = read(value);
      if (!reading.ok) return undefined;
      if (reading.warning) warnings.push(reading.warning);
      const time = inUnit(reading, unit);
      return typeof time === 'object' ? undefined : time;
    },
    refusal,
    schema:
      form.unit === undefined && form.formats === undefined && unit === 'milliseconds' && !isLocal
        ? timeSchema
        : anyTime,
  };
}

function withoutOffset(read: TimeReader): TimeReader {
  const refused = invalidTime('send it without an offset', 'the time that a clock shows');
  return (value) => (typeof value === 'string' && hasOffset(value.trim()) ? refused : read(value));
}

const maxNanosMs = Number(2n ** 63n / 1_000_000n) - 1;

/** The instant in the unit, cut at or before it. Beyond 2^53 it is a bigint, as in all records. */
function inUnit({ ms, nanos }: TimeReading & { ok: true }, unit: TimeUnit): number | bigint | RefusedTime {
  if (unit === 'milliseconds') return ms;
  if (unit === 'microseconds') return longValue(BigInt(ms) * 1_000n + BigInt(Math.floor(nanos / 1_000)));
  if (Math.abs(ms) > maxNanosMs)
    return { ok: false, reason: 'out_of_range', expected: 'a time in the years 1678 to 2261' };
  return longValue(BigInt(ms) * 1_000_000n + BigInt(nanos));
}

function valuesOf(read: (value: unknown) => number | bigint | RefusedTime): TimeValues {
  return {
    convert(value) {
      const result = read(value);
      return typeof result === 'object' ? undefined : result;
    },
    refusal(value) {
      const result = read(value);
      return typeof result === 'object' ? result : { ok: false, reason: 'invalid', expected: 'a time' };
    },
    schema: anyTime,
  };
}
