import type { EventRecord } from '../avro/avro-record.ts';
import type { ParseResult, StreamContract } from '../contract.ts';
import { isJsonObject, jsonColumnText, numberProblem, unstorableNumber } from '../json/json-column.ts';
import { storableId, storableText, storableValue } from './storable-text.ts';
import { inputFields } from './value-types.ts';

/** The rejection for a JSON field with a number that Postgres can't hold. */
export function numberOutOfRange(contract: StreamContract, values: EventRecord): ParseResult | undefined {
  for (const { name, label, typeName } of inputFields(contract)) {
    const value = values[name];
    const number = typeName === 'json' && isJsonObject(value) ? unstorableNumber(value) : undefined;
    if (number)
      return { ok: false, reason: `${name}_out_of_range`, message: `${label} ${numberProblem(number)}` };
  }
  return undefined;
}

/** The values with storable texts. Returns the values themselves if they are all storable. */
export function withStorableTexts(contract: StreamContract, values: EventRecord): EventRecord {
  const changed: EventRecord = {};
  for (const { name, typeName } of inputFields(contract)) {
    const value = values[name];
    const storable =
      typeof value !== 'string'
        ? storableValue(value)
        : contract.id.includes(name)
          ? storableId(value)
          : typeName === 'json'
            ? storableJson(value)
            : storableText(value);
    if (storable !== value) changed[name] = storable;
  }
  return Object.keys(changed).length > 0 ? { ...values, ...changed } : values;
}

function storableJson(text: string): string {
  const checked = jsonColumnText(text);
  return checked.ok ? checked.text : text;
}
