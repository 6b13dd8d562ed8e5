import {
  type EventRecord,
  type FieldsByName,
  hasValue,
  inputFields,
  isJsonObject,
  type StreamContract,
  TakenFields,
} from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import { hasDecimalComma, hasDecimalPoint, withDecimalPoint } from './decimal-commas.ts';
import { envelopeOf } from './envelopes.ts';
import type { Item } from './read/item.ts';
import type { ItemGroup } from './read/read-items.ts';
import type { ReadOptions } from './read/read-options.ts';

export interface CheckOptions extends ReadOptions {
  /** Fields that the stream does not take are errors. */
  strict?: boolean;
}

/** What the names of a record are to the stream. */
interface Shape {
  taken: FieldsByName;
  /** Names that no field takes. */
  unknown: readonly string[];
  /** Names whose values become numbers. */
  numbers: readonly string[];
}

type Record = Item & { ok: true; value: EventRecord };

const numberTypes = ['double', 'float', 'long', 'int', 'decimal'];
const likeNull = /^\s*(?:n\/?a|#n\/a|null|nil|none|nan|-+|\\n|\?)\s*$/i;

/** Checks the records of a file against the names that the stream's contract takes. One for each file. */
export class RecordCheck {
  /** Name that no field takes → records with a value under it. */
  readonly unknownFields = new Map<string, number>();
  readonly #name: string;
  readonly #contract: StreamContract;
  readonly #options: CheckOptions;
  readonly #fields: TakenFields;
  readonly #nulls: ReadonlySet<unknown>;
  readonly #shapes = new WeakMap<FieldsByName, Shape>();

  /** @param name the file's name, for errors */
  constructor(name: string, contract: StreamContract, options: CheckOptions) {
    this.#name = name;
    this.#contract = contract;
    this.#options = options;
    this.#fields = new TakenFields(contract);
    this.#nulls = new Set(options.nulls);
  }

  /**
   * Looks at the first records before one of them is sent.
   * @throws WindrowError FILE_UNREADABLE if the file as a whole is not what it is taken for
   */
  refuseFirst({ items, isCsv }: ItemGroup): void {
    const { path, strict, decimal } = this.#options;
    if (path && items.every((item) => !item.ok && item.reason === 'path_missing')) {
      throw this.#refusal(
        `${items[0]?.ok === false ? items[0].message : ''}; it begins with ${startOf(items)}`,
      );
    }
    const records = items.filter(isRecord);
    const shapes = records.map((record) => this.#shapeOf(record.value));
    const envelopes = records.flatMap((record, at) => this.#envelopeOf(record, shapes[at] as Shape) ?? []);
    const [envelope] = envelopes;
    if (envelope && 2 * envelopes.length >= records.length) {
      throw this.#refusal(`it holds ${envelope.name}; load the records in it with --path '${envelope.path}'`);
    }
    if (records.length > 0 && shapes.every(({ taken }) => taken.size === 0))
      throw this.#refusal(this.#foreign(records, isCsv));
    if (strict) this.#refuseUnknown(records);
    if (isCsv && decimal === undefined) this.#refuseDecimalCommas(records);
  }

  /** The record as it is to be loaded, or a rejection. */
  checked(item: Item, isCsv: boolean): Item {
    if (!isRecord(item)) return item;
    const { line, text } = item;
    const reject = (reason: string, message: string): Item => ({ ok: false, line, text, reason, message });
    const shape = this.#shapeOf(item.value);
    const envelope = this.#envelopeOf(item, shape);
    if (envelope)
      return reject('envelope', `it is ${envelope.name}; --path '${envelope.path}' loads what is in it`);
    const value = this.#withoutNulls(item.value);
    if (shape.taken.size === 0 && shape.unknown.length > 0)
      return reject(
        'no_known_field',
        `none of its fields is one of ${this.#contract.name}: ${shown(shape.unknown)}`,
      );
    const unknown = shape.unknown.filter((name) => hasValue(value[name]));
    for (const name of unknown) this.unknownFields.set(name, (this.unknownFields.get(name) ?? 0) + 1);
    if (this.#options.strict && unknown.length > 0)
      return reject('field_unknown', `no field of ${this.#contract.name} takes ${shown(unknown)}`);
    const checked = unknown.length > 0 ? { ...item, unread: unknown } : item;
    if (!isCsv || this.#options.decimal !== ',')
      return value === item.value ? checked : { ...checked, value };
    const numbers: EventRecord = {};
    for (const name of shape.numbers) {
      const cell = String(value[name] ?? '');
      numbers[name] = withDecimalPoint(cell);
      if (numbers[name] === undefined)
        return reject(
          `${shape.taken.get(name)?.[0]}_ambiguous`,
          `${name} is ${cell}; with --decimal , a point may only separate thousands before a comma`,
        );
    }
    return { ...checked, value: { ...value, ...numbers } };
  }

  /** The option that helps a record that was rejected for this reason; undefined if none is known. */
  adviceFor(reason: string, value: unknown): string | undefined {
    if (!isJsonObject(value)) return undefined;
    for (const [name, fields] of this.#shapeOf(value).taken) {
      const text = value[name];
      if (typeof text !== 'string' || !likeNull.test(text)) continue;
      if (fields.some((field) => reason.startsWith(`${field}_`)))
        return `if ${text} means that there is no value, load with --null '${text}'`;
    }
    return undefined;
  }

  #shapeOf(value: EventRecord): Shape {
    const names = Object.keys(value);
    const taken = this.#fields.of(names);
    const known = this.#shapes.get(taken);
    if (known) return known;
    const { otherFields = [] } = this.#contract;
    const numberFields = inputFields(this.#contract)
      .filter(({ typeName }) => numberTypes.includes(typeName))
      .map(({ name }) => name);
    const shape: Shape = {
      taken,
      unknown: names.filter((name) => !taken.has(name) && !otherFields.includes(name)),
      numbers: names.filter((name) => taken.get(name)?.some((field) => numberFields.includes(field))),
    };
    this.#shapes.set(taken, shape);
    return shape;
  }

  #envelopeOf({ value }: Record, { unknown }: Shape) {
    // A name that a field takes wraps nothing.
    if (unknown.length === 0) return undefined;
    return envelopeOf(value, (names) => this.#fields.of(names).size);
  }

  #withoutNulls(value: EventRecord): EventRecord {
    if (this.#nulls.size === 0) return value;
    const nulls = Object.keys(value).filter((name) => this.#nulls.has(value[name]));
    return nulls.length === 0
      ? value
      : { ...value, ...Object.fromEntries(nulls.map((name) => [name, null])) };
  }

  #refuseUnknown(records: Record[]): void {
    const counts = new Map<string, number>();
    for (const { value } of records) {
      for (const name of this.#shapeOf(value).unknown) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    if (counts.size === 0) return;
    const names = shown([...counts].map(([name, count]) => `${name} (${count})`));
    throw this.#refusal(`no field of ${this.#contract.name} takes ${names}; it is loaded without --strict`);
  }

  #refuseDecimalCommas(records: Record[]): void {
    const [first] = records;
    for (const name of first ? this.#shapeOf(first.value).numbers : []) {
      const cells = records.map(({ value }) => String(value[name] ?? ''));
      const at = cells.findIndex(hasDecimalComma);
      if (at === -1 || cells.some(hasDecimalPoint)) continue;
      throw this.#refusal(
        `the numbers of ${name} have a comma, such as ${cells[at]} in line ${records[at]?.line}; if it is a decimal comma, load it with --decimal ,`,
      );
    }
  }

  #foreign(records: Record[], isCsv: boolean): string {
    const names = Object.keys(records[0]?.value ?? {});
    const takes = inputFields(this.#contract).map(({ name }) => name);
    const columns = isCsv ? 'columns' : 'fields';
    const delimiter =
      isCsv && names.length === 1
        ? '; if its cells are separated by another character, name it with --delimiter'
        : '';
    return `none of its ${columns} is one of ${this.#contract.name}: it has ${shown(names)}, and ${this.#contract.name} takes ${shown(takes)}${delimiter}`;
  }

  #refusal(reason: string): WindrowError {
    return new WindrowError('FILE_UNREADABLE', `${this.#name}: ${reason}.`);
  }
}

function isRecord(item: Item): item is Record {
  return item.ok && isJsonObject(item.value);
}

function shown(names: readonly string[]): string {
  const some = names.slice(0, 8).map((name) => (name.length > 60 ? `${name.slice(0, 60)}…` : name));
  return some.join(', ') + (names.length > some.length ? ` and ${names.length - some.length} more` : '');
}

function startOf([first]: readonly Item[]): string {
  return first?.text.subarray(0, 80).toString('utf8').replaceAll(/\s+/g, ' ') ?? '';
}
