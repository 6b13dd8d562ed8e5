import type {
  AvroField,
  AvroRecordSchema,
  EventRecord,
  InputSource,
  ParseResult,
  StreamContract,
} from './contract.ts';

/** One input of any form that the contract knows → a record of its raw schema, or why not. Never throws on bad input. */
export function parseInput(contract: StreamContract, input: unknown, source: InputSource): ParseResult {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const kind = Array.isArray(input) ? 'an array' : input === null ? 'null' : `a ${typeof input}`;
    return { ok: false, reason: 'not_an_object', message: `${kind}, not an object` };
  }
  return typed(contract.schema, contract.parse(withoutTablePrefix(input as EventRecord), source));
}

/** Warehouse exports name their columns `table.column`: the columns alone. */
function withoutTablePrefix(input: EventRecord): EventRecord {
  const keys = Object.keys(input);
  const table = keys.find((key) => key.includes('.'))?.split('.')[0];
  if (table === undefined || !keys.every((key) => key.startsWith(`${table}.`) || !key.includes('.')))
    return input;
  const prefix = `${table}.`;
  return Object.fromEntries(
    Object.entries(input).map(([key, value]) => [
      key.startsWith(prefix) ? key.slice(prefix.length) : key,
      value,
    ]),
  );
}

/** Gives each value its field's Avro type; what is absent or empty becomes null. */
function typed(schema: AvroRecordSchema, values: EventRecord): ParseResult {
  const record: EventRecord = {};
  for (const field of schema.fields) {
    const { type, nullable } = baseType(field);
    const value = values[field.name];
    if (value === null || value === undefined || value === '') {
      if (!nullable)
        return { ok: false, reason: `${field.name}_missing`, message: `${field.name} is required` };
      record[field.name] = null;
      continue;
    }
    const converted = convert(type, value);
    if (converted === undefined) {
      const shown = (JSON.stringify(value) ?? String(value)).slice(0, 80);
      return {
        ok: false,
        reason: `${field.name}_invalid`,
        message: `${field.name} is ${shown}, not a ${type}`,
      };
    }
    record[field.name] = converted;
  }
  return { ok: true, record };
}

function baseType(field: AvroField): { type: string; nullable: boolean } {
  const branches = Array.isArray(field.type) ? field.type : [field.type];
  const base = branches.find((branch) => branch !== 'null') as
    | string
    | { type: string; logicalType?: string };
  const type = typeof base === 'string' ? base : base.logicalType === 'timestamp-millis' ? 'time' : base.type;
  return { type, nullable: branches.includes('null') };
}

function convert(type: string, value: unknown): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : (JSON.stringify(value) ?? undefined);
    case 'time':
      return epochMs(value);
    case 'double':
    case 'float':
      return finite(value);
    case 'int':
    case 'long': {
      const number = finite(value);
      return Number.isSafeInteger(number) ? number : undefined;
    }
    case 'boolean':
      return typeof value === 'boolean'
        ? value
        : value === 'true'
          ? true
          : value === 'false'
            ? false
            : undefined;
    default:
      return value;
  }
}

function finite(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

const isoTime =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * ISO 8601 (a space for the T, and no zone, as exports have it: then UTC), or epoch milliseconds as a number or its
 * text; undefined for anything else, days that no calendar has included.
 */
export function epochMs(value: unknown): number | undefined {
  if (typeof value === 'number')
    return Number.isSafeInteger(Math.trunc(value)) ? Math.trunc(value) : undefined;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^-?\d{9,16}$/.test(text)) return Number(text);
  const match = isoTime.exec(text);
  if (!match) return undefined;
  const [, date = '', time, zone] = match;
  const midnightMs = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(midnightMs) || new Date(midnightMs).toISOString().slice(0, 10) !== date) return undefined;
  if (time === undefined) return midnightMs;
  const offset = zone === undefined || /^(Z|UTC)$/i.test(zone) ? 'Z' : zone.replace(/^(...):?(..)$/, '$1:$2');
  const ms = Date.parse(`${date}T${time}${offset}`);
  return Number.isNaN(ms) ? undefined : ms;
}
