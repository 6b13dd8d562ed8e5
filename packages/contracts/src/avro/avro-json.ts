import type { Type, types } from 'avsc';
import { logicalTypeOf } from './exact-types.ts';
import { decimalText, unscaledOf } from './unscaled-decimal.ts';

/** Writes a value, as avsc decodes it, as JSON text. */
export type JsonWriter = (value: unknown) => string;

/**
 * Makes the function that writes values of an Avro type as JSON. Numbers have all of their digits: longs beyond 2^53, and decimals,
 * which become JSON numbers. Bytes and fixed become base64 text, uuids their usual text, times and dates numbers in the unit of
 * their field, and the floating point values that JSON lacks become "NaN", "Infinity" and "-Infinity". Values of unions have no
 * type name, except where avsc needs it to tell the branches apart.
 */
export function jsonWriter(type: Type): JsonWriter {
  return writer(type, new Map());
}

function writer(type: Type, records: Map<Type, JsonWriter>): JsonWriter {
  switch (type.typeName) {
    case 'null':
      return () => 'null';
    case 'boolean':
    case 'int':
    case 'long':
      return String;
    case 'float':
    case 'double':
      return real;
    case 'string':
    case 'enum':
      return (value) => JSON.stringify(value);
    case 'bytes':
    case 'fixed':
      return bytesWriter(type);
    case 'array': {
      const item = writer((type as types.ArrayType).itemsType, records);
      return (value) => `[${(value as unknown[]).map(item).join(',')}]`;
    }
    case 'map': {
      const item = writer((type as types.MapType).valuesType as Type, records);
      return (value) =>
        `{${Object.entries(value as object).map(([key, each]) => `${JSON.stringify(key)}:${item(each)}`)}}`;
    }
    case 'union:unwrapped':
    case 'union:wrapped':
      return unionWriter(type as types.UnwrappedUnionType, records);
    default:
      return recordWriter(type as types.RecordType, records);
  }
}

function real(value: unknown): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return JSON.stringify(String(value));
}

function bytesWriter(type: Type): JsonWriter {
  const logicalType = logicalTypeOf(type);
  if (logicalType?.name === 'decimal')
    return (value) => decimalText(unscaledOf(value as Buffer), logicalType.scale ?? 0);
  if (logicalType?.name === 'uuid') return (value) => JSON.stringify(uuidText(value as Buffer));
  return (value) => JSON.stringify((value as Buffer).toString('base64'));
}

function recordWriter(type: types.RecordType, records: Map<Type, JsonWriter>): JsonWriter {
  const known = records.get(type);
  if (known) return known;
  const fields: { name: string; start: string; write: JsonWriter }[] = [];
  const write: JsonWriter = (value) => {
    const record = value as Readonly<Record<string, unknown>>;
    return `{${fields.map((field) => field.start + field.write(record[field.name])).join(',')}}`;
  };
  // Registered before its fields are visited, because a record may contain itself.
  records.set(type, write);
  for (const field of type.fields)
    fields.push({
      name: field.name,
      start: `${JSON.stringify(field.name)}:`,
      write: writer(field.type, records),
    });
  return write;
}

function unionWriter(
  { typeName, types: branches }: types.UnwrappedUnionType,
  records: Map<Type, JsonWriter>,
): JsonWriter {
  const writers = branches.map((branch) => ({ branch, write: writer(branch, records) }));
  if (String(typeName) === 'union:wrapped') {
    return (value) => {
      if (value === null) return 'null';
      const [[name, inner] = ['', null]] = Object.entries(value as object);
      const found = writers.find(({ branch }) => branch.branchName === name);
      return `{${JSON.stringify(name)}:${found?.write(inner) ?? 'null'}}`;
    };
  }
  const others = writers.filter(({ branch }) => branch.typeName !== 'null');
  const [only] = others;
  return (value) => {
    if (value === null || value === undefined) return 'null';
    const found = others.length === 1 ? only : others.find(({ branch }) => branch.isValid(value));
    return found?.write(value) ?? 'null';
  };
}

/** The usual text of a uuid's 16 bytes. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
