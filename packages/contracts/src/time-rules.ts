import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { Rule } from './contract.ts';
import { isoTime, maxTimeMs, minTimeMs } from './time/time-bounds.ts';

const dayMs = 86_400_000;
/** Milliseconds in a unit of each logical type. */
const unitMs: Readonly<Record<string, number>> = {
  date: dayMs,
  'timestamp-millis': 1,
  'timestamp-micros': 1e-3,
  'timestamp-nanos': 1e-6,
  'local-timestamp-millis': 1,
  'local-timestamp-micros': 1e-3,
  'local-timestamp-nanos': 1e-6,
};

/**
 * A rule for each field with a time or a date: it must be in the years 1 to 9999. Inputs are within these bounds already; records that
 * other producers write to Kafka may not be.
 */
export function timeRules({ fields }: Pick<AvroRecordSchema, 'fields'>): Rule[] {
  return fields.flatMap(({ name, type }) => {
    const branches: unknown[] = Array.isArray(type) ? type : [type];
    const unit = branches.map((branch) => unitMs[logicalTypeOf(branch)]).find((found) => found !== undefined);
    return unit === undefined ? [] : [timeRule(name, unit)];
  });
}

function logicalTypeOf(type: unknown): string {
  return typeof type === 'object' && type !== null && 'logicalType' in type ? String(type.logicalType) : '';
}

function timeRule(field: string, unit: number): Rule {
  // The last day counts, although its midnight is not its end.
  const [low, high] = [Math.ceil(minTimeMs / unit), Math.floor(maxTimeMs / unit)];
  return {
    reason: `${field}_out_of_range`,
    reads: [field],
    check(record) {
      const value = record[field] as number | bigint | null | undefined;
      if (value === null || value === undefined || (value >= low && value <= high)) return null;
      return `${field} is ${value}, ${isoTime(Number(value) * unit)}; a time must be in the years 1 to 9999, UTC`;
    },
  };
}
