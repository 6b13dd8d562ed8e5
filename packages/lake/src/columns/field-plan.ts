import type { Type, types } from 'avsc';
import type { ColumnType, TableColumn } from '../table-schema.ts';

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double'] as const;

/**
 * How to read a field's value from the writer's bytes into a column. `int`, `long`, `float` and `double` are the writer's
 * types; the kind of the column determines the type that is stored.
 */
export type FieldPlan =
  | { readonly read: (typeof primitives)[number] }
  /** A number of milliseconds of this type, stored as microseconds. */
  | { readonly read: 'millis'; readonly as: 'int' | 'long' }
  /** A length, then that many bytes: Avro's bytes and string. */
  | { readonly read: 'bytes' }
  | { readonly read: 'fixed'; readonly size: number }
  /** The reader's symbol for each of the writer's. */
  | { readonly read: 'enum'; readonly symbols: readonly string[] }
  /** An index, then a value of the branch with that index. */
  | { readonly read: 'union'; readonly branches: readonly FieldPlan[] }
  /** A value that is stored as JSON text. */
  | { readonly read: 'json' };

/**
 * The plan to read a writer's field into a column. Types are resolved as `Type.createResolver` of avsc does it; the caller has
 * made sure that `reader.createResolver(writer)` doesn't throw.
 * @returns undefined when the column's type is not the one that {@link tableSchemaFromAvro} derives from the reader's type
 */
export function planOf(writer: Type, reader: Type, column: TableColumn): FieldPlan | undefined {
  const branches = branchesOf(reader).filter((branch) => branch.typeName !== 'null');
  const isScalar = branches.length < 2 && branches.every((branch) => isOwn(branch, column.type));
  if (isScalar) return resolve(writer, reader, column);
  return column.type === 'string' ? { read: 'json' } : undefined;
}

/** The Avro types whose values each column type stores without conversion to JSON. */
const ownTypes: Readonly<Record<ColumnType, readonly string[]>> = {
  binary: ['bytes', 'fixed'],
  boolean: ['boolean'],
  date: ['int'],
  double: ['double'],
  float: ['float'],
  integer: ['int'],
  long: ['long'],
  string: ['enum', 'string'],
  timestamp: ['long'],
};

function isOwn(type: Type, column: ColumnType): boolean {
  return ownTypes[column].includes(type.typeName);
}

function branchesOf(type: Type): readonly Type[] {
  return isUnion(type) ? type.types : [type];
}

function isUnion(type: Type): type is types.UnwrappedUnionType {
  return type.typeName.startsWith('union:');
}

function resolve(writer: Type, reader: Type, column: TableColumn): FieldPlan {
  if (isUnion(writer))
    return { read: 'union', branches: writer.types.map((branch) => resolve(branch, reader, column)) };
  const target = branchesOf(reader).find((branch) => canRead(branch, writer));
  switch (target?.typeName) {
    case 'enum': {
      const { default: other, symbols } = target as types.EnumType & { default?: string };
      const known = new Set(symbols);
      // avsc has checked that the reader has a default if it lacks one of the symbols.
      return {
        read: 'enum',
        symbols: (writer as types.EnumType).symbols.map((symbol) =>
          known.has(symbol) ? symbol : (other ?? ''),
        ),
      };
    }
    case 'fixed':
      return { read: 'fixed', size: (target as types.FixedType).size };
    case 'bytes':
    case 'string':
      return { read: 'bytes' };
    default: {
      const read = primitives.find((name) => name === writer.typeName);
      if (read === undefined) throw new TypeError(`unknown Avro type: ${writer.typeName}`);
      const isMillis = column.avroUnit === 'millis' && (read === 'int' || read === 'long');
      return isMillis ? { read: 'millis', as: read } : { read };
    }
  }
}

function canRead(reader: Type, writer: Type): boolean {
  try {
    reader.createResolver(writer);
    return true;
  } catch {
    return false;
  }
}
