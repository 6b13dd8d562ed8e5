import avsc, { type Schema, type Type } from 'avsc';
import { ExactArray, ExactMap } from './exact-collections.ts';
import {
  annotate,
  ExactDouble,
  ExactFloat,
  ExactLong,
  LogicalBytes,
  LogicalFixed,
  LogicalInt,
} from './exact-types.ts';
import { logicalTypeIn } from './logical-type.ts';

type CollectionSchema = ConstructorParameters<typeof ExactArray>[0] &
  ConstructorParameters<typeof ExactMap>[0];
type Options = NonNullable<Parameters<typeof avsc.Type.forSchema>[1]>;

/**
 * The avsc type of a schema, with exact longs, maps and logical types: use it for every schema, of readers and writers. A
 * long is a number if it is a safe integer, otherwise a bigint; also when it is encoded.
 * @throws Error for an invalid schema
 */
export function avroType(schema: unknown): Type {
  return avsc.Type.forSchema(schema as Schema, { typeHook: exactTypes });
}

const [long, double, float] = [new ExactLong(), new ExactDouble(), new ExactFloat()];

/** avsc's hook for {@link avroType}: avsc calls it for each part of a schema, and makes the types for which it gives none. */
export function exactTypes(schema: Schema, options: Options): Type | undefined {
  if (Array.isArray(schema)) return unionOf(schema, options);
  const isObject = typeof schema === 'object' && schema !== null;
  const logicalType = isObject ? logicalTypeIn(schema as unknown as Record<string, unknown>) : undefined;
  switch (isObject && 'type' in schema ? schema.type : schema) {
    case 'long':
      return logicalType === undefined ? long : annotate(new ExactLong(), logicalType);
    case 'double':
      return double;
    case 'float':
      return float;
    case 'int':
      return logicalType && annotate(new LogicalInt(), logicalType);
    case 'string':
      return logicalType && annotate(new avsc.types.StringType(), logicalType);
    case 'bytes':
      return logicalType && annotate(new LogicalBytes(), logicalType);
    case 'fixed':
      return logicalType && annotate(new LogicalFixed(schema, options), logicalType);
    case 'array':
      return new ExactArray(schema as unknown as CollectionSchema, options);
    case 'map':
      return new ExactMap(schema as unknown as CollectionSchema, options);
    default:
      return undefined;
  }
}

/** avsc finds the branch of a value by JavaScript's types, and doesn't know that a bigint is a long. */
function unionOf(branches: readonly Schema[], options: Options): Type {
  const types = branches.map((branch) => avsc.Type.forSchema(branch, options));
  const { typeHook: _, ...others } = options;
  const union = avsc.Type.forSchema(types as unknown as Schema, others);
  const indexOfLong = types.findIndex(({ typeName }) => typeName === 'long');
  const indexes = (union as unknown as { _bucketIndices?: Record<string, number> })._bucketIndices;
  if (indexes !== undefined && indexOfLong >= 0) indexes.bigint = indexOfLong;
  return union;
}
