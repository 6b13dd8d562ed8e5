import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { Rule } from './contract.ts';
import { isoTime, maxTimeMs, minTimeMs } from './time/time-bounds.ts';

const dayMs = 86_400_000;

/** How many of a logical type's units are in a number of milliseconds. */
interface Units {
  count: bigint;
  inMs: bigint;
}

const units: Readonly<Record<string, Units>> = {
  date: { count: 1n, inMs: BigInt(dayMs) },
  'timestamp-millis': { count: 1n, inMs: 1n },
  'timestamp-micros': { count: 1_000n, inMs: 1n },
  'timestamp-nanos': { count: 1_000_000n, inMs: 1n },
  'local-timestamp-millis': { count: 1n, inMs: 1n },
  'local-timestamp-micros': { count: 1_000n, inMs: 1n },
  'local-timestamp-nanos': { count: 1_000_000n, inMs: 1n },
};

/**
 * A rule for each field with a time or a date: it must be in the years 1 to 9999. Inputs are within these bounds already; records that
 * other producers write to Kafka may not be.
 */
export function timeRules({ fields }: Pick<AvroRecordSchema, 'fields'>): Rule[] {
  return fields.flatMap(({ name, type }) => {
    const branches: unknown[] = Array.isArray(type) ? type : [type];
    const unit = branches.map((branch) => units[logicalTypeOf(branch)]).find((found) => found !== undefined);
    return unit === undefined ? [] : [timeRule(name, unit)];
  });
}

function logicalTypeOf(type: unknown): string {
  return typeof type === 'object' && type !== null && 'logicalType' in type ? String(type.logicalType) : '';
}

function timeRule(field: string, { count, inMs }: Units): Rule {
  // The last millisecond counts to its end, and the last day, although its midnight is before its end.
  const low = (BigInt(minTimeMs) * count) / inMs;
  const high = ((BigInt(maxTimeMs) + 1n) * count - 1n) / inMs;
  // Numbers are compared with numbers, because a comparison with a bigint is slower.
  const [lowNumber, highNumber] = [Number(low), Number(high)];
  return {
    reason: `${field}_out_of_range`,
    reads: [field],
    check(record) {
      const value = record[field] as number | bigint | null | undefined;
      if (value === null || value === undefined) return null;
      const isWithin =
        typeof value === 'number' ? value >= lowNumber && value <= highNumber : value >= low && value <= high;
      if (isWithin) return null;
      const timeMs = (Number(value) * Number(inMs)) / Number(count);
      return `${field} is ${value}, ${isoTime(timeMs)}; a time must be in the years 1 to 9999, UTC`;
    },
  };
}
