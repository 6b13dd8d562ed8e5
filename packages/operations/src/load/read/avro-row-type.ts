import avro, { type Schema, type Type } from 'avsc';
import { clockText, Digits, dateText, timeText } from './json-text.ts';

/** Decodes the rows of an Avro file to values for `jsonText`. */
export interface RowType {
  type: Type;
  convert: Convert;
}

type Convert = (value: unknown) => unknown;
type JsonSchema = string | JsonSchema[] | SchemaObject;

interface SchemaObject {
  type: JsonSchema;
  name?: string;
  namespace?: string;
  logicalType?: string;
  scale?: number;
  fields?: { name: string; type: JsonSchema }[];
  items?: JsonSchema;
  values?: JsonSchema;
  symbols?: string[];
  size?: number;
}

/** avsc reads longs as doubles unless it is told otherwise. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

const scalars = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];

/** Logical type → its values in JSON. A value of another one is written as its base type. */
const logicalValues: Record<string, (value: never, schema: SchemaObject) => unknown> = {
  'timestamp-millis': (value: bigint) => timeText(value, 'ms', 'Z'),
  'timestamp-micros': (value: bigint) => timeText(value, 'us', 'Z'),
  'timestamp-nanos': (value: bigint) => timeText(value, 'ns', 'Z'),
  'local-timestamp-millis': (value: bigint) => timeText(value, 'ms', ''),
  'local-timestamp-micros': (value: bigint) => timeText(value, 'us', ''),
  'local-timestamp-nanos': (value: bigint) => timeText(value, 'ns', ''),
  date: (value: number) => dateText(value),
  'time-millis': (value: number) => clockText(BigInt(value), 'ms'),
  'time-micros': (value: bigint) => clockText(value, 'us'),
  decimal: (value: Uint8Array, { scale = 0 }) => Digits.ofBytes(value, scale),
};

/** The type of rows of the writer's schema. Logical types are converted here, exactly. @throws Error if the schema is invalid */
export function rowTypeOf(schema: unknown): RowType {
  const compiler = new SchemaCompiler();
  const convert = compiler.compile(schema as JsonSchema, '');
  const plain = withoutLogicalTypes(schema as JsonSchema) as Schema;
  return {
    type: avro.Type.forSchema(plain, { registry: { long: exactLong }, wrapUnions: 'always' }),
    convert,
  };
}

/** avsc takes the type of longs only for those without attributes. */
function withoutLogicalTypes(schema: JsonSchema): JsonSchema {
  if (typeof schema === 'string') return schema;
  if (Array.isArray(schema)) return schema.map(withoutLogicalTypes);
  const { logicalType: _, ...plain } = schema;
  if (typeof plain.type === 'string' && scalars.includes(plain.type)) return plain.type;
  if (typeof plain.type !== 'string') return withoutLogicalTypes(plain.type);
  return {
    ...plain,
    ...(plain.fields && {
      fields: plain.fields.map(({ name, type }) => ({ name, type: withoutLogicalTypes(type) })),
    }),
    ...(plain.items !== undefined && { items: withoutLogicalTypes(plain.items) }),
    ...(plain.values !== undefined && { values: withoutLogicalTypes(plain.values) }),
  };
}

class SchemaCompiler {
  /** Full name → the conversion of a named type, which may refer to itself. */
  readonly #named = new Map<string, Convert>();

  compile(schema: JsonSchema, namespace: string): Convert {
    if (typeof schema === 'string') {
      const name = scalars.includes(schema) ? schema : qualified(schema, namespace);
      return (value) => (this.#named.get(name) ?? same)(value);
    }
    if (Array.isArray(schema)) return this.#union(schema, namespace);
    if (typeof schema.type !== 'string') return this.compile(schema.type, namespace);
    const convert = logicalValues[schema.logicalType ?? ''];
    if (schema.name !== undefined) return this.#namedType(schema, namespace, convert);
    if (convert) return (value) => convert(value as never, schema);
    if (schema.items !== undefined) {
      const item = this.compile(schema.items, namespace);
      return (list) => (list as unknown[]).map(item);
    }
    if (schema.values !== undefined) {
      const value = this.compile(schema.values, namespace);
      return (map) => mapped(map, () => value);
    }
    return same;
  }

  #namedType(
    schema: SchemaObject,
    outer: string,
    logical: (typeof logicalValues)[string] | undefined,
  ): Convert {
    const name = qualified(schema.name ?? '', schema.namespace ?? outer);
    const namespace = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
    const fields = new Map<string, Convert>();
    const convert: Convert = schema.fields
      ? (record) => mapped(record, (field) => fields.get(field))
      : logical
        ? (value) => logical(value as never, schema)
        : same;
    this.#named.set(name, convert);
    for (const field of schema.fields ?? []) fields.set(field.name, this.compile(field.type, namespace));
    return convert;
  }

  /** Values come as `{branch: value}`. */
  #union(branches: JsonSchema[], namespace: string): Convert {
    const converts = new Map<string, Convert>();
    for (const branch of branches)
      converts.set(branchName(branch, namespace), this.compile(branch, namespace));
    return (value) => {
      const [entry] = value === null ? [] : Object.entries(value as object);
      return entry ? (converts.get(entry[0]) ?? same)(entry[1]) : null;
    };
  }
}

const same: Convert = (value) => value;

function branchName(schema: JsonSchema, namespace: string): string {
  if (typeof schema === 'string') return scalars.includes(schema) ? schema : qualified(schema, namespace);
  if (Array.isArray(schema)) return 'union';
  if (schema.name !== undefined) return qualified(schema.name, schema.namespace ?? namespace);
  return branchName(schema.type, namespace);
}

function qualified(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function mapped(value: unknown, convertOf: (name: string) => Convert | undefined): unknown {
  const entries = Object.entries(value as object);
  return Object.fromEntries(entries.map(([name, of]) => [name, (convertOf(name) ?? same)(of)]));
}
