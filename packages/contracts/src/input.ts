import type { EventRecord } from './avro/avro-record.ts';
import { correctClock } from './clock-correction.ts';
import type { InputSource, InputWarning, ParseResult, StreamContract } from './contract.ts';
import { extraText, unreadByHttp } from './extra-fields.ts';
import { isJsonObject } from './json/json-column.ts';
import { addNotes, type QualityNote, qualityNote, qualityText } from './quality.ts';
import { shownValue } from './values/shown-value.ts';
import { numberOutOfRange, withStorableTexts } from './values/storable-values.ts';
import { type InputField, inputFields } from './values/value-types.ts';

/** Whether an input has values that are rare and need more work. Its bytes show it. */
export interface InputTraits {
  /** Some numbers are {@link NumberText}s. */
  hasNumberTexts: boolean;
  /** Some texts may not be storable: see {@link isStorableText}. */
  hasBrokenText: boolean;
}

const none: readonly string[] = [];
const implausible: InputWarning = 'clock_implausible';
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
  const unread = source.kind === 'http' ? unreadByHttp(contract, input) : (source.unread ?? none);
  const extra = unread.length > 0 ? extraText(input, unread, hasNumberTexts) : null;
  const overflow = hasNumberTexts ? numberOutOfRange(contract, values) : undefined;
  if (overflow) return overflow;
  if (extra !== null && !extra.ok) return extra;
  // The contract has told the ids apart, so texts may be replaced.
  const storable = hasBrokenText ? withStorableTexts(contract, values) : values;
  const result = timed(contract, storable, source, extra === null ? null : extra.text);
  if (!result.ok) return result;
  const warnings: InputWarning[] = [];
  if (storable !== values || extra?.isReplaced) warnings.push('replaced_text');
  if (source.kind === 'http' && extra !== null) warnings.push('unknown_fields');
  return warnings.length === 0 ? result : { ...result, warnings: [...(result.warnings ?? []), ...warnings] };
}

/** Converts the values, and corrects the event time by the sender's clock where the contract wants it. */
function timed(
  contract: StreamContract,
  values: EventRecord,
  source: InputSource,
  extra: string | null,
): ParseResult {
  const { clock, sentTime, eventTime } = contract;
  if (clock === undefined) return typed(contract, values, extra);
  const isDated = hasValue(values[eventTime]);
  if (!isDated && source.kind === 'http') values[eventTime] = source.receivedAtMs;
  const result = typed(contract, values, extra);
  if (!result.ok) return result;
  const doubt =
    isDated && source.kind === 'http'
      ? correctClock(contract, result.record, source.receivedAtMs)
      : undefined;
  if (doubt) addNotes(result.record, [doubt]);
  else if (result.notes === undefined) return result;
  const notes = [...(result.notes ?? []), ...(doubt ? [doubt] : [])];
  const isImplausible = notes.some(
    ({ reason }) => reason === 'clock_implausible' || reason === `${sentTime}_out_of_range`,
  );
  const warnings: InputWarning[] = [...(result.warnings ?? []), ...(isImplausible ? [implausible] : [])];
  return { ...result, notes, ...(warnings.length > 0 && { warnings }) };
}

/** Removes the table from the column names of a warehouse export (`table.column`). */
export function withoutTablePrefix(input: EventRecord): EventRecord {
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

type Typed = (values: EventRecord, warnings: InputWarning[], extra: string | null) => ParseResult;

const typers = new WeakMap<StreamContract, Typed>();
/** One array for all inputs, because nearly all have no warnings. */
const noted: InputWarning[] = [];

/** Converts each value to the Avro type of its field. An absent or empty value becomes null. */
function typed(contract: StreamContract, values: EventRecord, extra: string | null): ParseResult {
  let typer = typers.get(contract);
  if (!typer) {
    typer = makeTyper(inputFields(contract));
    typers.set(contract, typer);
  }
  noted.length = 0;
  const result = typer(values, noted, extra);
  return result.ok && noted.length > 0 ? { ...result, warnings: [...noted] } : result;
}

/** Generates code, because it runs for every event: so all records of a stream have one hidden class. */
function makeTyper(fields: InputField[]): Typed {
  const lines = fields.flatMap(({ name, nullable, severity }, at) => [
    `const given${at} = values[${JSON.stringify(name)}];`,
    `let value${at} = null;`,
    `if (given${at} !== undefined && given${at} !== null && given${at} !== '') {`,
    `  value${at} = types[${at}].convert(given${at}, warnings);`,
    severity === 'reject'
      ? `  if (value${at} === undefined) return invalid(fields[${at}], given${at});`
      : `  if (value${at} === undefined) { value${at} = null; (notes ??= []).push(noteOf(fields[${at}], given${at})); }`,
    nullable ? '}' : `} else return missing(fields[${at}]);`,
  ]);
  const entries = fields.map(({ name }, at) => `${JSON.stringify(name)}: value${at},`);
  const code = `return (values, warnings, extra) => {
let notes;
${lines.join('\n')}
const record = {
${entries.join('\n')}
_quality: notes === undefined ? null : qualityText(notes),
_extra: extra,
};
return notes === undefined ? { ok: true, record } : { ok: true, record, notes };
};`;
  const types = fields.map(({ type }) => type);
  return new Function('fields', 'types', 'missing', 'invalid', 'noteOf', 'qualityText', code)(
    fields,
    types,
    missing,
    invalid,
    noteOf,
    qualityText,
  ) as Typed;
}

function missing({ name, label }: InputField): ParseResult {
  return {
    ok: false,
    reason: `${name}_missing`,
    message: `${label} is required, and the event has no value for it`,
  };
}

function invalid(field: InputField, value: unknown): ParseResult {
  return { ok: false, ...refusalOf(field, value) };
}

function noteOf(field: InputField, value: unknown): QualityNote {
  const { reason, message } = refusalOf(field, value);
  return qualityNote(field.name, reason, value, message);
}

function refusalOf({ name, label, type }: InputField, value: unknown): { reason: string; message: string } {
  const { reason, expected, advice } = type.refusal(value);
  const message = `${label} is ${shownValue(value)}; expected ${expected}${advice === undefined ? '' : `; ${advice}`}`;
  return { reason: `${name}_${reason}`, message };
}
