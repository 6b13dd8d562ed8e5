import type { EventRecord, InputSource, ParseResult, StreamContract } from './contract.ts';
import { inputFields } from './value-types.ts';

/** One input of any form that the contract knows → a record of its raw schema, or why not. Never throws on bad input. */
export function parseInput(contract: StreamContract, input: unknown, source: InputSource): ParseResult {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const kind = Array.isArray(input) ? 'an array' : input === null ? 'null' : `a ${typeof input}`;
    return { ok: false, reason: 'not_an_object', message: `${kind}, not an object` };
  }
  const values = source.kind === 'file' ? withoutTablePrefix(input as EventRecord) : (input as EventRecord);
  return typed(contract, contract.parse(values, source));
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

export function hasValue(value: unknown): boolean {
  return value !== null && value !== undefined && value !== '';
}

/** Gives each value its field's Avro type; what is absent or empty becomes null. */
function typed(contract: StreamContract, values: EventRecord): ParseResult {
  const record: EventRecord = {};
  for (const { name, typeName, type, nullable } of inputFields(contract)) {
    const value = values[name];
    if (!hasValue(value)) {
      if (!nullable) return { ok: false, reason: `${name}_missing`, message: `${name} is required` };
      record[name] = null;
      continue;
    }
    const converted = type.convert(value);
    if (converted === undefined) {
      const shown = (JSON.stringify(value) ?? String(value)).slice(0, 80);
      const expected = typeName === 'json' ? 'JSON object' : typeName;
      return { ok: false, reason: `${name}_invalid`, message: `${name} is ${shown}, not a ${expected}` };
    }
    record[name] = converted;
  }
  return { ok: true, record };
}
