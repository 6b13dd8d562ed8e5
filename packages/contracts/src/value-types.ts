import type { AvroField } from './avro-record.ts';
import type { InputWarning, StreamContract } from './contract.ts';
import { epochTimeBounds, epochTimePattern } from './time/epoch-time.ts';
import { type TimeForm, timeReader } from './time/read-time.ts';
import { sdkTimeMs } from './time/sdk-time.ts';
import { writtenTimePattern } from './time/written-time.ts';

/** A schema in JSON Schema 2020-12, which OpenAPI 3.1 uses. */
export type JsonSchema = Record<string, unknown>;

/** Why a value is not converted. */
export interface Refusal {
  /** Short stable code; with the field's name before it, it is the reason of the rejection. */
  reason: string;
  /** For people: what the field takes. */
  expected: string;
  /** What the sender can do. */
  advice?: string;
}

/** The values that inputs may have for a type of the raw schema: as a conversion, and as JSON Schema. */
export interface ValueType {
  /** Converts to the Avro type; undefined for an invalid value. Never called with null or an empty text. */
  convert(value: unknown, warnings: InputWarning[]): unknown;
  /** Why `convert` gives undefined, where the type's name doesn't say it. */
  refusal?(value: unknown): Refusal | undefined;
  /** Types and bounds. Numeric bounds don't apply to numbers that are sent as text. Without a type: anything. */
  schema: { type?: string[] } & JsonSchema;
}

const decimal = '^\\s*[-+]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\\s*$';
const decimalText = new RegExp(decimal);
const whole = '^\\s*[-+]?[0-9]{1,15}\\s*$';
const wholeText = new RegExp(whole);

function finite(value: unknown): number | undefined {
  const number = typeof value === 'string' && decimalText.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function integer(bound: number): ValueType {
  return {
    convert(value) {
      const number = typeof value === 'string' && wholeText.test(value) ? Number(value) : value;
      return Number.isInteger(number) && Math.abs(number as number) <= bound ? number : undefined;
    },
    schema: { type: ['integer', 'string'], pattern: whole, minimum: -bound, maximum: bound },
  };
}

const double: ValueType = {
  convert: finite,
  schema: { type: ['number', 'string'], pattern: decimal },
};

export const timeSchema = {
  type: ['string', 'number'],
  pattern: `^\\s*(?:${epochTimePattern}|${writtenTimePattern})\\s*$`,
  anyOf: epochTimeBounds,
};

/** Values in milliseconds since 1970. */
function time(form: TimeForm): ValueType {
  const read = timeReader(form);
  const { unit, formats } = form;
  return {
    convert(value, warnings) {
      const sdkMs = typeof value === 'string' ? sdkTimeMs(value) : undefined;
      if (sdkMs !== undefined) return sdkMs;
      const reading = read(value);
      if (!reading.ok) return undefined;
      if (reading.warning) warnings.push(reading.warning);
      return reading.ms;
    },
    refusal(value) {
      const reading = read(value);
      return reading.ok ? undefined : reading;
    },
    schema: unit === undefined && formats === undefined ? timeSchema : { type: ['string', 'number'] },
  };
}

const types: Record<string, ValueType> = {
  string: {
    convert: (value) =>
      typeof value === 'string'
        ? value
        : typeof value === 'boolean'
          ? String(value)
          : finite(value)?.toString(),
    schema: { type: ['string', 'number', 'boolean'] },
  },
  json: {
    convert: (value) => (isObject(value) ? JSON.stringify(value) : isObjectText(value) ? value : undefined),
    schema: { type: ['object'] },
  },
  time: time({}),
  double,
  float: double,
  long: integer(Number.MAX_SAFE_INTEGER),
  int: integer(2 ** 31 - 1),
  boolean: {
    convert: (value) =>
      value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
    schema: { type: ['boolean', 'string'], pattern: '^(?:true|false)$' },
  },
};

const anything: ValueType = { convert: (value) => value, schema: {} };

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** For CSV. The schema leaves it out, because clients that send JSON don't need it. */
function isObjectText(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    return isObject(JSON.parse(value));
  } catch {
    return false;
  }
}

/** The values that inputs of a stream may have for one field. */
export interface InputField {
  name: string;
  /** For people: `string`, `time`, `json`, `double`, … */
  typeName: string;
  type: ValueType;
  nullable: boolean;
  doc: string | undefined;
}

const known = new WeakMap<StreamContract, InputField[]>();

export function inputFields(contract: StreamContract): InputField[] {
  let fields = known.get(contract);
  if (!fields) {
    fields = contract.schema.fields.map((field) => inputField(contract, field));
    known.set(contract, fields);
  }
  return fields;
}

function inputField(contract: StreamContract, { name, type, doc }: AvroField): InputField {
  const branches = Array.isArray(type) ? type : [type];
  const base = branches.find((branch) => branch !== 'null') as
    | string
    | { type: string; logicalType?: string };
  const avro = typeof base === 'string' ? base : base.logicalType === 'timestamp-millis' ? 'time' : base.type;
  const typeName = contract.jsonFields?.includes(name) ? 'json' : avro;
  const form = typeName === 'time' ? contract.times?.[name] : undefined;
  const valueType = form ? time(form) : (types[typeName] ?? anything);
  return { name, typeName, type: valueType, nullable: branches.includes('null'), doc };
}
