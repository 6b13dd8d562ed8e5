import type { EventRecord } from './avro-record.ts';
import type { Rule } from './contract.ts';
import { shownValue } from './shown-value.ts';

const shown = (value: unknown): string =>
  // A number that is not finite has no JSON.
  typeof value === 'number' ? String(value) : shownValue(value);
const instant = (ms: number): string => {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
};
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
      if (typeof value === 'bigint' && value >= low && value <= high) return null;
      if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return null;
      return `${field} is ${shown(value)}, not between ${low} and ${high}`;
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

/** The time must not be before `earliest`. */
export function notBefore(field: string, earliest: string): Rule {
  const earliestMs = Date.parse(earliest);
  return {
    reason: `${field}_too_old`,
    reads: [field],
    check: (record) => {
      const value = record[field];
      return typeof value === 'number' && value < earliestMs
        ? `${field} ${instant(value)} is before ${earliest}`
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
      if (typeof value !== 'number' || typeof limit !== 'number' || value <= limit + aheadMs) return null;
      return `${field} ${instant(value)} is more than ${aheadMs / 60_000} minutes ahead of ${of} ${instant(limit)}`;
    },
  };
}

/** The first rule that the record breaks; null if it keeps all of them. */
export function brokenRule(rules: Rule[], record: EventRecord): { reason: string; message: string } | null {
  for (const rule of rules) {
    const message = rule.check(record);
    if (message !== null) return { reason: rule.reason, message };
  }
  return null;
}
