import type { types as avroTypes, Type } from 'avsc';
import type { AvroField } from '../avro/avro-record.ts';
import { avroType } from '../avro/avro-type.ts';
import type { StreamContract } from '../contract.ts';
import { isEmptyArray, isJsonObject, jsonColumnText } from '../json/json-column.ts';
import { jsonText } from '../json/json-text.ts';
import { NumberText } from '../json/number-text.ts';
import { namesOfEveryStream, type ValueSeverity } from '../quality.ts';
import { severityOf } from '../value-severity.ts';
import { valueTypes } from './column-types.ts';
import { parseDecimal, toBigInt, toDouble, toFloat } from './decimal.ts';
import { logicalValueType } from './logical-values.ts';
import { timeValues } from './time-values.ts';
import type { Refusal, ValueType } from './value-type.ts';

const decimal = '^\\s*[-+]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\\s*$';
const decimalText = new RegExp(decimal);
const whole = '^\\s*[-+]?[0-9]+\\s*$';

/** The digits of a number, if the value is a number or such a text. */
function numberText(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value instanceof NumberText) return value.sourceText;
  return typeof value === 'string' ? value : undefined;
}

/** @param low,high the bounds, both included */
function integer(low: bigint, high: bigint): ValueType {
  const convert = (value: unknown): number | bigint | undefined => {
    if (Number.isSafeInteger(value)) {
      const number = value as number;
      return number >= low && number <= high ? number : undefined;
    }
    const decimal = parseDecimal(numberText(value) ?? '');
    const exact = decimal && toBigInt(decimal);
    if (exact === undefined || exact < low || exact > high) return undefined;
    const number = Number(exact);
    return Number.isSafeInteger(number) ? number : exact;
  };
  const expected = `a whole number between ${low} and ${high}`;
  return {
    convert,
    refusal(value) {
      const decimal = parseDecimal(numberText(value) ?? '');
      if (decimal === undefined || decimal.exponent < 0) return { reason: 'invalid', expected };
      const advice = 'correct the value, or change the type of the field to string';
      return { reason: 'out_of_range', expected, advice };
    },
    schema: { type: ['integer', 'string'], pattern: whole, minimum: Number(low), maximum: Number(high) },
  };
}

/**
 * @param exactly converts the text of a number, or says why it can't
 * @param keptBelow numbers below this size need no check
 */
function floatingPoint(exactly: typeof toDouble, keptBelow: number, max: string): ValueType {
  return {
    convert(value) {
      if (typeof value === 'number' && Math.abs(value) < keptBelow) return value;
      const text = numberText(value);
      if (text === undefined || (typeof value === 'string' && !decimalText.test(text))) return undefined;
      const number = exactly(text);
      return typeof number === 'number' ? number : undefined;
    },
    refusal(value) {
      const text = numberText(value);
      const isNumber = text !== undefined && parseDecimal(text) !== undefined;
      const number = isNumber ? exactly(text) : undefined;
      if (number === 'not_exact') {
        const expected = 'a number that the field holds exactly';
        return { reason: number, expected, advice: 'round it, or change the type of the field to string' };
      }
      if (number === 'out_of_range') {
        return { reason: number, expected: `a number between -${max} and ${max} that is not almost 0` };
      }
      const advice = /^\s*[-+]?[0-9]+,[0-9]+\s*$/.test(String(value)) ? 'write a decimal point' : undefined;
      return { reason: 'invalid', expected: 'a number', ...(advice !== undefined && { advice }) };
    },
    schema: { type: ['number', 'string'], pattern: decimal },
  };
}

const invalid = (expected: string, advice?: string) => (): Refusal => ({
  reason: 'invalid',
  expected,
  ...(advice !== undefined && { advice }),
});

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // It holds a bigint. A function that JSON.stringify calls for every value would cost time for every event.
    return jsonText(value);
  }
}

const types: Record<string, ValueType> = {
  string: {
    convert: (value) =>
      typeof value === 'string'
        ? value
        : typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
          ? String(value)
          : numberText(value),
    refusal: invalid('a text', 'send one text, number or true/false'),
    schema: { type: ['string', 'number', 'boolean'] },
  },
  json: {
    convert(value) {
      if (isJsonObject(value)) return jsonOf(value);
      if (isEmptyArray(value)) return '{}';
      const checked = typeof value === 'string' ? jsonColumnText(value) : undefined;
      return checked?.ok ? checked.text : undefined;
    },
    refusal(value) {
      const checked = typeof value === 'string' ? jsonColumnText(value) : undefined;
      const problem = checked?.ok === false ? `; it ${checked.problem}` : '';
      const reason = checked?.ok === false ? checked.reason : 'invalid';
      return { reason, expected: `a JSON object${problem}` };
    },
    // Files may have the object as text. The schema leaves it out, because clients that send JSON don't need it.
    schema: { type: ['object', 'array'], maxItems: 0 },
  },
  double: floatingPoint(toDouble, Number.POSITIVE_INFINITY, '1.8e308'),
  float: floatingPoint(toFloat, 2 ** 24, '3.4e38'),
  long: integer(-(2n ** 63n), 2n ** 63n - 1n),
  int: integer(-(2n ** 31n), 2n ** 31n - 1n),
  boolean: {
    convert: (value) =>
      value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
    refusal: invalid('true or false'),
    schema: { type: ['boolean', 'string'], pattern: '^(?:true|false)$' },
  },
};

const anything: ValueType = { convert: (value) => value, refusal: invalid('a value'), schema: {} };

/** A text in Unicode's normalization form C, in which equal texts have equal bytes. */
const normalized: ValueType = {
  ...(types.string as ValueType),
  convert(value, warnings) {
    const text = types.string?.convert(value, warnings);
    // All texts below U+0300 are in form C.
    return typeof text === 'string' && /[^\0-\u02ff]/.test(text) ? text.normalize('NFC') : text;
  },
};

/** The values that inputs of a stream may have for one field. */
export interface InputField {
  name: string;
  /** For people: the name, and where messages over HTTP have the value if it is elsewhere. */
  label: string;
  /** For people: `string`, `time`, `json`, `double`, … */
  typeName: string;
  type: ValueType;
  nullable: boolean;
  /** What a value costs that `type` doesn't convert. */
  severity: ValueSeverity;
  doc: string | undefined;
}

const known = new WeakMap<StreamContract, InputField[]>();

/** Without `_quality` and `_extra`, which inputs don't set. */
export function inputFields(contract: StreamContract): InputField[] {
  let fields = known.get(contract);
  if (!fields) {
    const { fields: typed } = avroType(contract.schema) as avroTypes.RecordType;
    fields = contract.schema.fields
      .map((field, index) => inputField(contract, field, typed[index]?.type))
      .filter(({ name }) => !namesOfEveryStream.has(name));
    known.set(contract, fields);
  }
  return fields;
}

function inputField(
  contract: StreamContract,
  { name, type, doc }: AvroField,
  ofField: Type | undefined,
): InputField {
  const branches = Array.isArray(type) ? type : [type];
  const base = branches.find((branch) => branch !== 'null') as
    | string
    | { type: string; logicalType?: string };
  const logicalType = typeof base === 'string' ? '' : (base.logicalType ?? '');
  const time = timeValues(logicalType, contract.times?.[name]);
  const avro = typeof base === 'string' ? base : time ? 'time' : base.type;
  const typeName = contract.jsonFields?.includes(name) ? 'json' : avro;
  const [valueType, ...more] = ofField ? valueTypes(ofField) : [];
  const logical = valueType && more.length === 0 ? logicalValueType(valueType, types) : undefined;
  const usual = contract.nfcFields?.includes(name)
    ? normalized
    : ((typeName === 'json' ? undefined : logical) ?? types[typeName]);
  const paths = contract.message?.fields[name]?.filter((path) => path !== name) ?? [];
  return {
    name,
    label: paths.length > 0 ? `${name} (${paths.join(' or ')})` : name,
    typeName,
    type: time ?? usual ?? anything,
    nullable: branches.includes('null'),
    severity: severityOf(contract, name),
    doc,
  };
}
