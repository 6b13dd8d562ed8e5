import type { EventRecord } from './avro/avro-record.ts';
import type { StreamContract } from './contract.ts';
import { withoutTablePrefix } from './input.ts';
import { namesOfEveryStream } from './quality.ts';

/** Name in an input → the fields of the stream that it fills, as far as this is seen. Names that no field takes are missing. */
export type FieldsByName = ReadonlyMap<string, readonly string[]>;

/** An input of more shapes than that is data under names that change, and is not remembered. */
const maxShapes = 1_000;
/** Values that a contract may convert in `parse`. */
const probes = ['windrow probe', '2001-02-03T04:05:06.789Z', 7];

/**
 * Which names of an input from a file a contract takes. A contract's `parse` is code, so this tries each name: it is taken if its
 * value changes a field of the result, or if `parse` looks into it.
 */
export class TakenFields {
  readonly #contract: StreamContract;
  readonly #shapes = new Map<string, FieldsByName>();

  constructor(contract: StreamContract) {
    this.#contract = contract;
  }

  /** @param names all names of an input: which ones are taken may depend on the others */
  of(names: readonly string[]): FieldsByName {
    const shape = names.join('\n');
    const known = this.#shapes.get(shape);
    if (known) return known;
    const taken = new Map<string, string[]>();
    const nothing = this.#parsed(names);
    for (const name of names) {
      const fields = this.#fieldsOf(name, names, nothing);
      if (fields) taken.set(name, fields);
    }
    if (this.#shapes.size < maxShapes) this.#shapes.set(shape, taken);
    return taken;
  }

  #fieldsOf(name: string, names: readonly string[], nothing: EventRecord): string[] | undefined {
    const fields = new Set<string>();
    for (const probe of probes) {
      const parsed = this.#parsed(names, name, probe);
      for (const field of this.#changed(nothing, parsed, probe)) fields.add(field);
    }
    if (fields.size > 0) return [...fields];
    let isRead = false;
    const spy = new Proxy(
      {},
      {
        get: (_, property) => {
          isRead ||= property !== 'toJSON';
          return undefined;
        },
      },
    );
    this.#parsed(names, name, spy);
    return isRead ? [] : undefined;
  }

  #changed(nothing: EventRecord, parsed: EventRecord, probe: unknown): string[] {
    const { schema, id, receivedTime } = this.#contract;
    return schema.fields
      .map(({ name }) => name)
      .filter((field) => {
        const value = namesOfEveryStream.has(field) ? undefined : parsed[field];
        if (value === undefined || value === nothing[field]) return false;
        // A contract may make an id of the whole content, and take the time of the clock.
        return id.includes(field) || field === receivedTime
          ? value === probe
          : JSON.stringify(value) !== JSON.stringify(nothing[field]);
      });
  }

  /** The result for an input with these names, only one of which has a value. Empty if the contract fails. */
  #parsed(names: readonly string[], name?: string, value?: unknown): EventRecord {
    const input = Object.fromEntries(names.map((each) => [each, each === name ? value : undefined]));
    try {
      return this.#contract.parse(withoutTablePrefix(input), { kind: 'file' });
    } catch {
      return {};
    }
  }
}
