import type { Type, types } from 'avsc';
import { valueTypes } from '../values/column-types.ts';
import type { EventRecord } from './avro-record.ts';
import { logicalTypeOf } from './exact-types.ts';
import { decimalText, unscaledOf } from './unscaled-decimal.ts';

/** Why a column can't hold a value, and where the value is within its field: `[].price`. */
interface Fault {
  readonly path: string;
  readonly why: string;
}

/** Finds the fault of a value that is not null; undefined when its column can hold it. */
type FindFault = (value: unknown) => Fault | undefined;

/**
 * Finds the value of a record that its column in the lake can't hold: a decimal with more digits than its precision, or
 * milliseconds that are no 64-bit number of microseconds, also within records, arrays and maps. Decoding rejects such a record, so
 * that the enricher and all sinks reject the same ones.
 * @param record the Avro type of the records
 * @returns a function that names the field and the reason, or returns undefined
 */
export function rangeCheck(record: Type): (values: EventRecord) => string | undefined {
  const fields = (record as types.RecordType).fields.flatMap(({ name, type }) => {
    // A record that contains itself is JSON text in the lake.
    const find = isEndless(type, new Set()) ? undefined : finderOf(type);
    return find === undefined ? [] : [{ name, find }];
  });
  return (values) => {
    for (const { name, find } of fields) {
      const fault = find(values[name]);
      if (fault !== undefined) return `the field ${name}${fault.path}: ${fault.why}`;
    }
    return undefined;
  };
}

function isEndless(type: Type, around: ReadonlySet<Type>): boolean {
  return valueTypes(type).some((branch) => {
    if (around.has(branch)) return true;
    const within = new Set(around).add(branch);
    return partsOf(branch).some((part) => isEndless(part, within));
  });
}

/** The types within an array, a map or a record. */
function partsOf(type: Type): readonly Type[] {
  if (type.typeName === 'array') return [(type as types.ArrayType).itemsType];
  if (type.typeName === 'map') return [(type as types.MapType).valuesType];
  return type.typeName === 'record' ? (type as types.RecordType).fields.map((field) => field.type) : [];
}

/** @returns undefined for types that can hold all of their values */
function finderOf(type: Type): FindFault | undefined {
  const [only, ...others] = valueTypes(type);
  // A value of one of several types is JSON text in the lake.
  if (only === undefined || others.length > 0) return undefined;
  const find = presentFinder(only);
  return find && ((value) => (value === null || value === undefined ? undefined : find(value)));
}

function presentFinder(type: Type): FindFault | undefined {
  if (type.typeName === 'array' || type.typeName === 'map') {
    const [part] = partsOf(type);
    const find = part && finderOf(part);
    const mark = type.typeName === 'array' ? '[]' : '{}';
    return find && ((items) => first(Object.values(items as object), find, mark));
  }
  if (type.typeName === 'record') return recordFinder(type as types.RecordType);
  const faultOf = leafFault(type);
  return (
    faultOf &&
    ((value) => {
      const why = faultOf(value);
      return why === undefined ? undefined : { path: '', why };
    })
  );
}

function recordFinder({ fields }: types.RecordType): FindFault | undefined {
  const finders = fields.flatMap(({ name, type }) => {
    const find = finderOf(type);
    return find === undefined ? [] : [{ name, find }];
  });
  if (finders.length === 0) return undefined;
  return (record) => {
    for (const { name, find } of finders) {
      const fault = first([(record as EventRecord)[name]], find, `.${name}`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

function first(values: readonly unknown[], find: FindFault, mark: string): Fault | undefined {
  for (const value of values) {
    const fault = find(value);
    if (fault !== undefined) return { ...fault, path: `${mark}${fault.path}` };
  }
  return undefined;
}

/** The most milliseconds, before or after 1970, whose microseconds fit into 64 bits. */
const maxMs = (2n ** 63n - 1n) / 1000n;

function leafFault(type: Type): ((value: unknown) => string | undefined) | undefined {
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
