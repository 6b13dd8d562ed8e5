import type { Type, types } from 'avsc';
import { valueTypes } from '../values/column-types.ts';
import type { EventRecord } from './avro-record.ts';
import { logicalTypeOf } from './exact-types.ts';
import { decimalText, unscaledOf } from './unscaled-decimal.ts';

/** A field whose Avro type has values that its column in the lake can't hold. */
interface BoundedField {
  name: string;
  /** Why the column can't hold the value; undefined when it can. */
  fault(value: unknown): string | undefined;
}

/**
 * Finds the value of a record that its column in the lake can't hold: a decimal with more digits than its precision, or
 * milliseconds that are no 64-bit number of microseconds. Decoding rejects such a record, so that the enricher and all sinks
 * reject the same ones.
 * @param record the Avro type of the records
 * @returns a function that names the field and the reason, or returns undefined
 */
export function rangeCheck(record: Type): (values: EventRecord) => string | undefined {
  const fields = (record as types.RecordType).fields.flatMap(({ name, type }): BoundedField[] => {
    const [only, ...others] = valueTypes(type);
    // A value of one of several types is JSON text in the lake.
    const fault = only !== undefined && others.length === 0 ? faultOf(only) : undefined;
    return fault === undefined ? [] : [{ name, fault }];
  });
  return (values) => {
    for (const { name, fault } of fields) {
      const value = values[name];
      const why = value === null ? undefined : fault(value);
      if (why !== undefined) return `the field ${name}: ${why}`;
    }
    return undefined;
  };
}

/** The most milliseconds, before or after 1970, whose microseconds fit into 64 bits. */
const maxMs = (2n ** 63n - 1n) / 1000n;

function faultOf(type: Type): BoundedField['fault'] | undefined {
  const { name, precision = 0, scale = 0 } = logicalTypeOf(type) ?? {};
  if (name === 'timestamp-millis')
    return (value) =>
      // A long that is a number is below 2^53.
      typeof value !== 'bigint' || (value >= -maxMs && value <= maxMs)
        ? undefined
        : `${value} milliseconds since 1970 are beyond 64 bits of microseconds`;
  if (name !== 'decimal') return undefined;
  const limit = 10n ** BigInt(precision);
  return (value) => {
    const unscaled = unscaledOf(value as Buffer);
    if (unscaled < limit && unscaled > -limit) return undefined;
    return `${decimalText(unscaled, scale)} has more than ${precision} digits`;
  };
}
