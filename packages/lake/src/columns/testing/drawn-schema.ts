import { must } from '@windrow/runtime/testing';
import fc, { type GeneratorValue } from 'fast-check';

/** A part of an Avro schema as JSON has it. */
export type Schema = string | Schema[] | { [key: string]: unknown; type: Schema };

/** Random schemas, drawn from one of fast-check's generators so that a failure can be played again. */
export class SchemaDraw {
  readonly g: GeneratorValue;
  private names = 0;
  /** The new names of the types that a reader's schema has renamed. */
  private readonly renamed = new Map<string, string>();

  constructor(g: GeneratorValue) {
    this.g = g;
  }

  chance(percent: number): boolean {
    return this.g(fc.integer, { min: 1, max: 100 }) > 100 - percent;
  }

  upTo(max: number): number {
    return this.g(fc.integer, { min: 0, max });
  }

  oneOf<Item>(items: readonly Item[]): Item {
    return must(items[this.upTo(items.length - 1)]);
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    return this.g(() => fc.shuffledSubarray([...items], { minLength: items.length }));
  }

  /** A record of up to eight fields of any types. */
  record(depth = 3): Schema & { type: Schema; fields: Field[] } {
    const name = this.name('Record');
    const fields: Field[] = [];
    for (let count = this.upTo(depth === 3 ? 8 : 3); count > 0; count--) {
      fields.push({ name: this.name('field'), type: this.type(depth - 1) });
    }
    if (depth < 3 && this.chance(20)) fields.push({ name: this.name('field'), type: ['null', name] });
    if (depth < 3 && this.chance(20)) {
      fields.push({ name: this.name('field'), type: { type: 'array', items: name } });
    }
    return { type: 'record', name, fields };
  }

  type(depth: number): Schema {
    const kind = this.upTo(depth > 0 ? 19 : 9);
    if (kind < 8) return this.oneOf(primitives);
    if (kind === 8) {
      const symbols = ['A', 'B', 'C', 'D'].slice(0, 1 + this.upTo(3));
      return { type: 'enum', name: this.name('Enum'), symbols };
    }
    if (kind === 9) return { type: 'fixed', name: this.name('Fixed'), size: this.upTo(9) };
    if (kind < 15) return this.nullable(this.type(0));
    if (kind === 15) return { type: 'array', items: this.type(depth - 1) };
    if (kind === 16) return { type: 'map', values: this.type(depth - 1) };
    if (kind === 17) return this.record(depth - 1);
    return this.union(depth);
  }

  /** A later version of the schema; most versions can read data that was written with the schema. */
  evolved(schema: Schema): Schema {
    if (this.chance(10)) return this.nullable(this.evolved(schema));
    if (typeof schema === 'string') return this.evolvedName(schema);
    if (Array.isArray(schema)) {
      if (this.chance(5)) return this.evolved(this.oneOf(schema));
      const branches = schema.map((branch) =>
        typeof branch === 'string' && this.chance(80) ? branch : this.evolvedBranch(branch),
      );
      const more = this.chance(20) ? [...branches, this.oneOf(primitives)] : branches;
      return this.chance(30) ? this.shuffled(distinct(more)) : distinct(more);
    }
    return this.evolvedBranch(schema);
  }

  /** A default that a field of the type may have. */
  defaultOf(schema: Schema): unknown {
    if (Array.isArray(schema)) return this.defaultOf(must(schema[0]));
    if (typeof schema !== 'string') {
      switch (schema.type) {
        case 'array':
          // A recursive type refers to itself only where the value may be absent.
          return this.chance(50) || isName(schema.items) ? [] : [this.defaultOf(schema.items as Schema)];
        case 'enum':
          return this.oneOf(schema.symbols as string[]);
        case 'fixed':
          return '\u00ff'.repeat(schema.size as number);
        case 'map':
          return this.chance(50) ? {} : { key: this.defaultOf(schema.values as Schema) };
        case 'record':
          return Object.fromEntries(
            (schema.fields as Field[]).map(({ name, type }) => [name, this.defaultOf(type)]),
          );
        default:
          return this.defaultOf(schema.type);
      }
    }
    const makers: Record<string, () => unknown> = {
      null: () => null,
      boolean: () => this.chance(50),
      bytes: () => this.oneOf(['', '\u0000\u00ff', 'abc']),
      double: () => this.oneOf([0.5, -1e300, 3]),
      float: () => this.oneOf([0.5, 3]),
      int: () => this.oneOf([0, -1, 2 ** 31 - 1, -(2 ** 31)]),
      long: () => this.oneOf([0, -1, 2 ** 31, 2 ** 52, -(2 ** 40)]),
      string: () => this.oneOf(['', 'a default', 'é"\\\n`*/']),
    };
    const make = makers[schema];
    if (make === undefined) throw new TypeError(`no default for ${schema}`);
    return make();
  }

  private evolvedName(name: string): Schema {
    if (isName(name)) return this.renamed.get(name) ?? name;
    if (this.chance(70)) return name;
    const wider = promotions[name];
    return wider && this.chance(95) ? this.oneOf(wider) : this.chance(90) ? name : this.oneOf(primitives);
  }

  private evolvedBranch(schema: Schema): Schema {
    if (typeof schema === 'string') return this.evolvedName(schema);
    if (Array.isArray(schema)) return this.evolved(schema);
    switch (schema.type) {
      case 'array':
        return { ...schema, items: this.evolved(schema.items as Schema) };
      case 'map':
        return { ...schema, values: this.evolved(schema.values as Schema) };
      case 'enum': {
        const symbols = (schema.symbols as string[]).filter(() => this.chance(80));
        const all = [...symbols, ...(this.chance(30) || symbols.length === 0 ? ['New'] : [])];
        const other = this.chance(95) ? { default: this.oneOf(all) } : {};
        return { ...schema, ...this.renaming(schema.name as string), symbols: this.shuffled(all), ...other };
      }
      case 'fixed':
        return { ...schema, ...this.renaming(schema.name as string), ...(this.chance(3) ? { size: 3 } : {}) };
      case 'record':
        return this.evolvedRecord(schema as { type: Schema; name: string; fields: Field[] });
      default:
        return schema;
    }
  }

  evolvedRecord(schema: { type: Schema; name: string; fields: Field[] }): Schema & { fields: Field[] } {
    const renaming = this.renaming(schema.name);
    const fields: Field[] = [];
    for (const field of schema.fields) {
      if (this.chance(15)) continue;
      const type = this.evolved(field.type);
      const name = this.chance(15) ? this.name('field') : field.name;
      fields.push({ name, type, ...(name === field.name ? {} : { aliases: ['no_field', field.name] }) });
      // The same field read twice: only the first occurrence keeps the name.
      if (this.chance(3)) fields.push({ name: this.name('field'), type, aliases: [field.name] });
    }
    for (let count = this.upTo(2); count > 0; count--) {
      const type = this.chance(60) ? this.nullable(this.oneOf(primitives)) : this.type(1);
      fields.push({
        name: this.name('field'),
        type,
        ...(this.chance(97) ? { default: this.defaultOf(type) } : {}),
      });
    }
    return { ...schema, ...renaming, fields: this.chance(50) ? this.shuffled(fields) : fields };
  }

  private renaming(name: string): { name: string; aliases?: string[] } {
    if (!this.chance(10)) return { name };
    const renamed = this.name('Renamed');
    this.renamed.set(name, renamed);
    return { name: renamed, aliases: [name] };
  }

  private nullable(schema: Schema): Schema {
    if (Array.isArray(schema) || schema === 'null') return schema;
    return this.chance(80) ? ['null', schema] : [schema, 'null'];
  }

  private union(depth: number): Schema {
    const branches = Array.from({ length: 1 + this.upTo(3) }, () => this.type(depth - 1));
    return distinct(branches.filter((branch) => !Array.isArray(branch)).concat(['boolean']));
  }

  private name(kind: string): string {
    return `${kind}${this.names++}`;
  }
}

export interface Field {
  name: string;
  type: Schema;
  aliases?: string[];
  default?: unknown;
}

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'];

function isName(schema: unknown): boolean {
  return typeof schema === 'string' && !primitives.includes(schema);
}

const promotions: Readonly<Record<string, readonly string[]>> = {
  bytes: ['string'],
  float: ['double'],
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  string: ['bytes'],
};

/** The branches of a union: no two of the same type, unless they are named. */
function distinct(branches: readonly Schema[]): Schema[] {
  const seen = new Set<unknown>();
  return branches.filter((branch) => {
    const key =
      typeof branch === 'string' ? branch : Array.isArray(branch) ? branch : (branch.name ?? branch.type);
    if (seen.has(key) || Array.isArray(branch)) return false;
    seen.add(key);
    return true;
  });
}
