import type { EventRecord } from './avro/avro-record.ts';
import type { Rule } from './contract.ts';
import { jsonText } from './json/json-text.ts';
import { isoTime } from './time/time-bounds.ts';

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (jsonText(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};
/** Longs beyond 2^53 are bigints, which compare exactly with numbers. */
const isNumber = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';
const isMissing = (value: unknown): boolean => value === null || value === undefined || value === '';

/** The field must not be empty. `when`: only if that other field has that value. */
export function required(field: string, when?: { field: string; is: string }): Rule {
  const applies = (record: EventRecord) => when === undefined || record[when.field] === when.is;
  return {
    reason: `${field}_missing`,
    reads: when === undefined ? [field] : [field, when.field],
    check: (record) => (isMissing(record[field]) && applies(record) ? `${field} is required` : null),
    constraint: { kind: 'required', field, ...(when && { when }) },
  };
}

/** At least one of the fields must not be empty. */
export function anyOf(...fields: string[]): Rule {
  return {
    reason: `${fields.join('_or_')}_missing`,
    reads: fields,
    check: (record) =>
      fields.every((field) => isMissing(record[field])) ? `one of ${fields.join(', ')} is required` : null,
    constraint: { kind: 'anyOf', fields },
  };
}

/** The field must be a finite number between the bounds, both included. Null passes. */
export function between(field: string, low: number, high: number): Rule {
  return {
    reason: `${field}_out_of_range`,
    reads: [field],
    check: (record) => {
      const value = record[field];
      if (value === null || value === undefined) return null;
      if (isNumber(value) && Number.isFinite(Number(value)) && value >= low && value <= high) return null;
      return `${field} is ${shown(isNumber(value) ? String(value) : value)}, not between ${low} and ${high}`;
    },
    constraint: { kind: 'between', field, low, high },
  };
}

/** The field must have one of the values. Null passes. */
export function oneOf(field: string, values: readonly string[]): Rule {
  return {
    reason: `${field}_unknown`,
    reads: [field],
    check: (record) => {
      const value = record[field];
      if (value === null || value === undefined || values.includes(value as string)) return null;
      return `${field} is ${shown(value)}, not one of ${values.join(', ')}`;
    },
    constraint: { kind: 'oneOf', field, values },
  };
}

/**
 * The text must have at most this many bytes in UTF-8. Null passes.
 * @param why completes the sentence “at most … bytes, because …”
 */
export function maxBytes(field: string, bytes: number, why: string): Rule {
  return {
    reason: `${field}_too_long`,
    reads: [field],
    check: (record) => {
      const value = record[field];
      // No character has more than three bytes for each unit of its length, so most texts need not be counted.
      if (typeof value !== 'string' || 3 * value.length <= bytes) return null;
      const length = Buffer.byteLength(value);
      if (length <= bytes) return null;
      return `${field} has ${length} bytes (${shown(value)}); at most ${bytes}, because ${why}. Send a shorter text`;
    },
    constraint: { kind: 'maxBytes', field, bytes },
  };
}

/** The time must not be before `earliest`. */
export function notBefore(field: string, earliest: string): Rule {
  const earliestMs = Date.parse(earliest);
  return {
    reason: `${field}_too_old`,
    reads: [field],
    check: (record) => {
      const value = record[field];
      return isNumber(value) && value < earliestMs
        ? `${field} ${isoTime(value)} is before ${earliest}`
        : null;
    },
  };
}

/** The time must be at most `aheadMs` after the time in the field `of`. Passes if either is null. */
export function notAhead(field: string, of: string, aheadMs: number): Rule {
  return {
    reason: `${field}_in_future`,
    reads: [field, of],
    check: (record) => {
      const value = record[field];
      const limit = record[of];
      if (!isNumber(value) || !isNumber(limit) || value <= Number(limit) + aheadMs) return null;
      return `${field} ${isoTime(value)} is more than ${aheadMs / 60_000} minutes ahead of ${of} ${isoTime(limit)}`;
    },
  };
}

/** Gives rules another severity. */
export function withSeverity(severity: Exclude<Rule['severity'], undefined>, ...rules: Rule[]): Rule[] {
  return rules.map((rule) => ({ ...rule, severity }));
}

/** The first rule that the record breaks; null if it keeps all of them. */
export function brokenRule(rules: Rule[], record: EventRecord): { reason: string; message: string } | null {
  for (const rule of rules) {
    const message = rule.check(record);
    if (message !== null) return { reason: rule.reason, message };
  }
  return null;
}
