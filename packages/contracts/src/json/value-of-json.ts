import type { Type, types } from 'avsc';
import { uuidText } from '../avro/avro-json.ts';
import { logicalTypeOf } from '../avro/exact-types.ts';
import { longValue } from '../avro/long-value.ts';
import { shortestBytes, unscaledBytes } from '../avro/unscaled-decimal.ts';
import { parseDecimal, toBigInt } from '../values/decimal.ts';

/** A number in JSON as its text. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * The value of an Avro type, as avsc decodes it, from the JSON that `jsonWriter` has written. In a union, the first branch that can
 * hold the value is taken.
 * @throws SyntaxError, TypeError when the text is no JSON of the type
 */
export function valueOfJson(type: Type, text: string): unknown {
  const exactly = (_key: string, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' ? new Digits(source ?? String(value)) : value;
  const value = fromJson(type, JSON.parse(text, exactly));
  if (value === undefined) throw new TypeError(`the JSON is no ${type.typeName}`);
  return value;
}

function fromJson(type: Type, json: unknown): unknown {
  switch (type.typeName) {
    case 'null':
      return json === null ? null : undefined;
    case 'boolean':
      return typeof json === 'boolean' ? json : undefined;
    case 'int':
    case 'long':
      return json instanceof Digits && /^-?\d+$/.test(json.text) ? longValue(BigInt(json.text)) : undefined;
    case 'float':
    case 'double':
      return json instanceof Digits ? Number(json.text) : typeof json === 'string' ? named(json) : undefined;
    case 'string':
    case 'enum':
      return typeof json === 'string' && type.isValid(json) ? json : undefined;
    case 'bytes':
    case 'fixed':
      return bytesOf(type, json);
    case 'array':
      return Array.isArray(json)
        ? json.map((item) => fromJson((type as types.ArrayType).itemsType, item))
        : undefined;
    case 'map':
      return members(json, (_key) => (type as types.MapType).valuesType as Type);
    case 'union:unwrapped':
    case 'union:wrapped':
      return branchOf(type as types.WrappedUnionType, json);
    default: {
      const { fields } = type as types.RecordType;
      const typesOf = new Map(fields.map((field) => [field.name, field.type]));
      return members(json, (key) => typesOf.get(key));
    }
  }
}

function members(json: unknown, typeOf: (key: string) => Type | undefined): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json) || json instanceof Digits)
    return undefined;
  const entries = Object.entries(json).map(([key, member]) => {
    const type = typeOf(key);
    return [key, type === undefined ? undefined : fromJson(type, member)] as const;
  });
  return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries);
}

function branchOf({ typeName, types: branches }: types.WrappedUnionType, json: unknown): unknown {
  if (json === null) return branches.some((branch) => branch.typeName === 'null') ? null : undefined;
  if (String(typeName) === 'union:wrapped') {
    const [[name, inner] = ['', null]] = Object.entries(json as object);
    const branch = branches.find(({ branchName }) => branchName === name);
    const value = branch && fromJson(branch, inner);
    return value === undefined ? undefined : { [name]: value };
  }
  for (const branch of branches) {
    const value = fromJson(branch, json);
    if (value !== undefined) return value;
  }
  return undefined;
}

function named(text: string): number | undefined {
  return ['NaN', 'Infinity', '-Infinity'].includes(text) ? Number(text) : undefined;
}

function bytesOf(type: Type, json: unknown): Buffer | undefined {
  const logicalType = logicalTypeOf(type);
  const size = type.typeName === 'fixed' ? (type as types.FixedType).size : undefined;
  if (logicalType?.name === 'decimal') {
    const number = json instanceof Digits ? parseDecimal(json.text) : undefined;
    const scaled = number && toBigInt({ ...number, exponent: number.exponent + (logicalType.scale ?? 0) });
    if (scaled === undefined) return undefined;
    return size === undefined ? shortestBytes(scaled) : unscaledBytes(scaled, size);
  }
  if (typeof json !== 'string') return undefined;
  const isUuid = logicalType?.name === 'uuid';
  const bytes = isUuid ? Buffer.from(json.replaceAll('-', ''), 'hex') : Buffer.from(json, 'base64');
  if (size !== undefined && bytes.length !== size) return undefined;
  // Node decodes any text, without the characters that are no base64. In a union, such a text is a value of another branch.
  return (isUuid ? uuidText(bytes) : bytes.toString('base64')) === json ? bytes : undefined;
}
