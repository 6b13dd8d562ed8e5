import type { EventRecord } from './avro-record.ts';
import type { InputSource, ParseResult, StreamContract } from './contract.ts';
import { isJsonObject, jsonColumnText, numberProblem, unstorableNumber } from './json-column.ts';
import { shownValue } from './shown-value.ts';
import { storableId, storableText, storableValue } from './storable-text.ts';
import { type InputField, inputFields } from './value-types.ts';

/** Whether an input has values that are rare and need more work. Its bytes show it. */
export interface InputTraits {
  /** Some numbers are {@link NumberText}s. */
  hasNumberTexts: boolean;
  /** Some texts may not be storable: see {@link isStorableText}. */
  hasBrokenText: boolean;
}

const unknownTraits: InputTraits = { hasNumberTexts: true, hasBrokenText: true };

/** Converts one input of any form that the contract knows to a record of its raw schema. Never throws for bad input. */
export function parseInput(
  contract: StreamContract,
  input: unknown,
  source: InputSource,
  { hasNumberTexts, hasBrokenText } = unknownTraits,
): ParseResult {
  if (!isJsonObject(input)) {
    const kind = Array.isArray(input) ? 'an array' : shownValue(input);
    return { ok: false, reason: 'not_an_object', message: `the input is ${kind}; expected an object` };
  }
  const own = source.kind === 'file' ? withoutTablePrefix(input) : input;
  const values = contract.parse(own, source);
  const overflow = hasNumberTexts ? numberOutOfRange(contract, values) : undefined;
  if (overflow) return overflow;
  // The contract has told the ids apart, so texts may be replaced.
  const storable = hasBrokenText ? withStorableTexts(contract, values) : values;
  const result = typed(contract, storable);
  return result.ok && storable !== values ? { ...result, warnings: ['replaced_text'] } : result;
}

function numberOutOfRange(contract: StreamContract, values: EventRecord): ParseResult | undefined {
  for (const { name, label, typeName } of inputFields(contract)) {
    const value = values[name];
    const number = typeName === 'json' && isJsonObject(value) ? unstorableNumber(value) : undefined;
    if (number)
      return { ok: false, reason: `${name}_out_of_range`, message: `${label} ${numberProblem(number)}` };
  }
  return undefined;
}

/** The values with storable texts. Returns the values themselves if they are all storable. */
function withStorableTexts(contract: StreamContract, values: EventRecord): EventRecord {
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

/** Removes the table from the column names of a warehouse export (`table.column`). */
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

type Typed = (values: EventRecord) => ParseResult;

const typers = new WeakMap<StreamContract, Typed>();

/** Converts each value to the Avro type of its field. An absent or empty value becomes null. */
function typed(contract: StreamContract, values: EventRecord): ParseResult {
  let typer = typers.get(contract);
  if (!typer) {
    typer = makeTyper(inputFields(contract));
    typers.set(contract, typer);
  }
  return typer(values);
}

/** Generates code, because it runs for every event: so all records of a stream have one hidden class. */
function makeTyper(fields: InputField[]): Typed {
  const lines = fields.flatMap(({ name, nullable }, at) => [
    `const given${at} = values[${JSON.stringify(name)}];`,
    `let value${at} = null;`,
    `if (given${at} !== undefined && given${at} !== null && given${at} !== '') {`,
    `  value${at} = types[${at}].convert(given${at});`,
    `  if (value${at} === undefined) return invalid(fields[${at}], given${at});`,
    nullable ? '}' : `} else return missing(fields[${at}]);`,
  ]);
  const entries = fields.map(({ name }, at) => `${JSON.stringify(name)}: value${at},`);
  const code = `return (values) => {\n${lines.join('\n')}\nreturn { ok: true, record: {\n${entries.join('\n')}\n} };\n};`;
  const types = fields.map(({ type }) => type);
  return new Function('fields', 'types', 'missing', 'invalid', code)(
    fields,
    types,
    missing,
    invalid,
  ) as Typed;
}

function missing({ name, label }: InputField): ParseResult {
  return {
    ok: false,
    reason: `${name}_missing`,
    message: `${label} is required, and the event has no value for it`,
  };
}

function invalid({ name, label, type }: InputField, value: unknown): ParseResult {
  const { reason, expected, advice } = type.refusal(value);
  const message = `${label} is ${shownValue(value)}; expected ${expected}${advice === undefined ? '' : `; ${advice}`}`;
  return { ok: false, reason: `${name}_${reason}`, message };
}
