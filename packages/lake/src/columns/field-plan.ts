import { isDeepStrictEqual } from 'node:util';
import { logicalTypeOf } from '@windrow/contracts';
import type { Type, types } from 'avsc';
import { decimalOf, isDecimal } from '../decimal.ts';
import type { ColumnType, NestedType, ScalarType } from '../table-schema.ts';
import { decimalReader } from './decimal-field.ts';
import { nestedColumnType } from './nested-type.ts';
import type { ReadValue } from './read-value.ts';
import { branchesOf, scalarType } from './scalar-type.ts';
import { readUuid } from './uuid-field.ts';

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
  /** A value that a function reads. */
  | { readonly read: 'value'; readonly readValue: ReadValue };

/** Functions for the values that no code is generated for. */
export interface ValueReaders {
  /** Reads a value of several types as JSON text. */
  json(): ReadValue;
  nested(type: NestedType): ReadValue;
}

/**
 * The plan to read a writer's field into a column. Types are resolved as `Type.createResolver` of avsc does it; the caller has
 * made sure that `reader.createResolver(writer)` doesn't throw, and that no value changes its unit or scale.
 * @returns undefined when the column is neither of the type that `tableSchemaFromAvro` derives from the reader's type, nor text
 */
export function planOf(
  writer: Type,
  reader: Type,
  column: ColumnType,
  readers: ValueReaders,
): FieldPlan | undefined {
  if (typeof column === 'object') {
    const isDerived = isDeepStrictEqual(nestedColumnType(reader), column);
    return isDerived ? { read: 'value', readValue: readers.nested(column) } : undefined;
  }
  const derived = scalarType(reader);
  if (derived !== column)
    return column === 'string' ? { read: 'value', readValue: readers.json() } : undefined;
  const branches = branchesOf(reader).filter((branch) => branch.typeName !== 'null');
  const isScalar = branches.length < 2 && branches.every(({ typeName }) => !complex.has(typeName));
  return isScalar ? resolve(writer, reader, column) : { read: 'value', readValue: readers.json() };
}

const complex: ReadonlySet<string> = new Set(['array', 'map', 'record', 'error']);

function resolve(writer: Type, reader: Type, column: ScalarType): FieldPlan {
  if (writer.typeName.startsWith('union:'))
    return { read: 'union', branches: branchesOf(writer).map((branch) => resolve(branch, reader, column)) };
  const target = branchesOf(reader).find((branch) => canRead(branch, writer));
  const logicalType = target && logicalTypeOf(target)?.name;
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
    case 'bytes':
    case 'fixed':
    case 'string': {
      const size = writer.typeName === 'fixed' ? (writer as types.FixedType).size : undefined;
      if (isDecimal(column)) return { read: 'value', readValue: decimalReader(decimalOf(column), size) };
      if (logicalType === 'uuid' && size !== undefined) return { read: 'value', readValue: readUuid };
      return size === undefined ? { read: 'bytes' } : { read: 'fixed', size };
    }
    default: {
      const read = primitives.find((name) => name === writer.typeName);
      if (read === undefined) throw new TypeError(`unknown Avro type: ${writer.typeName}`);
      const isMillis = logicalType === 'timestamp-millis' && (read === 'int' || read === 'long');
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
