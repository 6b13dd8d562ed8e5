import type { EventRecord } from './avro-record.ts';
import type { InputSource, ParseResult, StreamContract } from './contract.ts';
import { type InputField, inputFields } from './value-types.ts';

/** Converts one input of any form that the contract knows to a record of its raw schema. Never throws for bad input. */
export function parseInput(contract: StreamContract, input: unknown, source: InputSource): ParseResult {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const kind = Array.isArray(input) ? 'an array' : input === null ? 'null' : `a ${typeof input}`;
    return { ok: false, reason: 'not_an_object', message: `the input is ${kind}; expected an object` };
  }
  const values = source.kind === 'file' ? withoutTablePrefix(input as EventRecord) : (input as EventRecord);
  return typed(contract, contract.parse(values, source));
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

function missing({ name }: InputField): ParseResult {
  return { ok: false, reason: `${name}_missing`, message: `${name} is required` };
}

function invalid({ name, typeName }: InputField, value: unknown): ParseResult {
  const shown = (JSON.stringify(value) ?? String(value)).slice(0, 80);
  const expected = typeName === 'json' ? 'JSON object' : typeName;
  return { ok: false, reason: `${name}_invalid`, message: `${name} is ${shown}; expected a ${expected}` };
}
