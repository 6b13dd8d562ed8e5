import type { Type, types } from 'avsc';
import { logicalTypeOf } from '../avro/exact-types.ts';
import type { LogicalType } from '../avro/logical-type.ts';
import { shortestBytes, unscaledBytes } from '../avro/unscaled-decimal.ts';
import type { InputWarning } from '../contract.ts';
import { isEmptyArray } from '../json/json-column.ts';
import { NumberText } from '../json/number-text.ts';
import { valueTypes } from './column-types.ts';
import { parseDecimal, toBigInt, wholeDigits } from './decimal.ts';
import { timeValues } from './time-values.ts';
import type { Refusal, ValueType } from './value-type.ts';

/** The types that JSON and CSV have themselves, by Avro's names. */
type Basic = Readonly<Record<string, ValueType>>;

const typeOf = (
  convert: (value: unknown, warnings: InputWarning[]) => unknown,
  refusal: Refusal | ((value: unknown) => Refusal),
  schema: ValueType['schema'],
): ValueType => ({
  convert,
  refusal: typeof refusal === 'function' ? refusal : () => refusal,
  schema,
});

/**
 * The inputs for a type that has no form of its own in JSON: decimals, uuids, bytes, enums and nested types. Times have theirs in
 * `timeValues`.
 * @returns undefined for the basic types
 */
export function logicalValueType(type: Type, basic: Basic): ValueType | undefined {
  const logicalType = logicalTypeOf(type);
  switch (logicalType?.name) {
    case 'decimal':
      return decimal(type, logicalType);
    case 'uuid':
      return uuid(type);
  }
  switch (type.typeName) {
    case 'bytes':
      return bytes(undefined);
    case 'fixed':
      return bytes((type as types.FixedType).size);
    case 'enum':
      return symbol((type as types.EnumType).symbols);
    case 'array':
    case 'map':
    case 'record':
      return nested(type, basic);
    default:
      return undefined;
  }
}

const textOf = (value: unknown): string | undefined =>
  value instanceof NumberText || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : typeof value === 'string'
      ? value
      : undefined;

function decimal(type: Type, { precision = 0, scale = 0 }: LogicalType): ValueType {
  const size = type.typeName === 'fixed' ? (type as types.FixedType).size : undefined;
  const unscaledOf = (value: unknown): bigint | Refusal => {
    const number = parseDecimal(textOf(value) ?? '');
    if (number === undefined) return { reason: 'invalid', expected: 'a decimal number' };
    if (number.digits !== '' && number.exponent < -scale)
      return { reason: 'not_exact', expected: `at most ${scale} decimals`, advice: 'round it' };
    if (wholeDigits(number) > precision - scale)
      return { reason: 'out_of_range', expected: `at most ${precision - scale} digits before the point` };
    return toBigInt({ ...number, exponent: number.digits === '' ? 0 : number.exponent + scale }) ?? 0n;
  };
  return typeOf(
    (value) => {
      const unscaled = unscaledOf(value);
      if (typeof unscaled !== 'bigint') return undefined;
      return size === undefined ? shortestBytes(unscaled) : unscaledBytes(unscaled, size);
    },
    (value) => {
      const refusal = unscaledOf(value);
      return typeof refusal === 'bigint' ? { reason: 'invalid', expected: 'a decimal number' } : refusal;
    },
    { type: ['number', 'string'] },
  );
}

const uuidForm = /^\s*[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\s*$/i;

function uuid(type: Type): ValueType {
  return typeOf(
    (value) => {
      if (typeof value !== 'string' || !uuidForm.test(value)) return undefined;
      const text = value.trim().toLowerCase();
      return type.typeName === 'fixed' ? Buffer.from(text.replaceAll('-', ''), 'hex') : text;
    },
    { reason: 'invalid', expected: 'a uuid' },
    { type: ['string'], format: 'uuid' },
  );
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

function bytes(size: number | undefined): ValueType {
  const expected = size === undefined ? 'bytes as base64 text' : `${size} bytes as base64 text`;
  return typeOf(
    (value) => {
      if (typeof value !== 'string' || !base64.test(value)) return undefined;
      const decoded = Buffer.from(value, 'base64');
      return size === undefined || decoded.length === size ? decoded : undefined;
    },
    { reason: 'invalid', expected },
    { type: ['string'] },
  );
}

function symbol(symbols: readonly string[]): ValueType {
  return typeOf(
    (value) => (symbols.includes(String(value)) ? String(value) : undefined),
    { reason: 'invalid', expected: `one of ${symbols.join(', ')}` },
    { type: ['string'], enum: [...symbols] },
  );
}

/** A value of a nested type, or its JSON as text, as CSV files have it. */
function nested(type: Type, basic: Basic): ValueType {
  const convert = nestedValue(type, basic);
  const isArray = type.typeName === 'array';
  return typeOf(
    (value, warnings) => convert(typeof value === 'string' ? parsed(value) : value, warnings),
    { reason: 'invalid', expected: isArray ? 'a JSON array of its items' : 'a JSON object with its fields' },
    isArray ? { type: ['array'] } : { type: ['object', 'array'], maxItems: 0 },
  );
}

/** Numbers keep their digits. */
function parsed(text: string): unknown {
  const exactly = (_key: string, value: unknown, { source = '' }: { source?: string } = {}) =>
    typeof value === 'number' && String(value) !== source ? new NumberText(source) : value;
  try {
    return JSON.parse(text, exactly) as unknown;
  } catch {
    return undefined;
  }
}

type Convert = (value: unknown, warnings: InputWarning[]) => unknown;

function nestedValue(type: Type, basic: Basic): Convert {
  switch (type.typeName) {
    case 'array': {
      const item = memberOf((type as types.ArrayType).itemsType, basic);
      return (value, warnings) =>
        Array.isArray(value) ? every(value.map((each) => item(each, warnings))) : undefined;
    }
    case 'map': {
      const item = memberOf((type as types.MapType).valuesType as Type, basic);
      return (given, warnings) => {
        const value = isEmptyArray(given) ? {} : given;
        if (!isObject(value)) return undefined;
        const members = Object.entries(value).map(([key, each]) => [key, item(each, warnings)] as const);
        return every(members.map(([, each]) => each)) && Object.fromEntries(members);
      };
    }
    default: {
      const fields = (type as types.RecordType).fields.map((field) => ({
        field,
        convert: memberOf(field.type, basic),
      }));
      return (given, warnings) => {
        const value = isEmptyArray(given) ? {} : given;
        if (!isObject(value)) return undefined;
        const members = fields.map(({ field, convert }): [string, unknown] => {
          const given = value[field.name];
          return [field.name, given === undefined ? field.defaultValue() : convert(given, warnings)];
        });
        return every(members.map(([, each]) => each)) && Object.fromEntries(members);
      };
    }
  }
}

/** Undefined when one of the values is. */
const every = (values: unknown[]): unknown[] | undefined => (values.includes(undefined) ? undefined : values);

/** Converts a value within a nested type. A union tries its branches in their order. */
function memberOf(type: Type, basic: Basic): Convert {
  const isNullable =
    type.typeName.startsWith('union:') &&
    valueTypes(type).length < (type as types.UnwrappedUnionType).types.length;
  const isWrapped = type.typeName === 'union:wrapped';
  const seen = valueTypes(type).map((branch) => ({ branch, convert: lazily(() => branchOf(branch, basic)) }));
  return (value, warnings) => {
    if (value === null) return isNullable || type.typeName === 'null' ? null : undefined;
    for (const { branch, convert } of seen) {
      const converted = convert(value, warnings);
      if (converted !== undefined) return isWrapped ? { [branch.branchName ?? '']: converted } : converted;
    }
    return undefined;
  };
}

/** A record may contain itself, so members are made when they are first met. */
function lazily(make: () => Convert): Convert {
  let made: Convert | undefined;
  return (value, warnings) => {
    made ??= make();
    return made(value, warnings);
  };
}

function branchOf(type: Type, basic: Basic): Convert {
  if (['array', 'map', 'record'].includes(type.typeName)) return nestedValue(type, basic);
  const time = timeValues(logicalTypeOf(type)?.name ?? '');
  const found = time ?? logicalValueType(type, basic) ?? basic[type.typeName];
  return found ? (value, warnings) => found.convert(value, warnings) : () => undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  );
}
