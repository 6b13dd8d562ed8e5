import type { Type, types } from 'avsc';
import type { ColumnType, NestedType } from '../table-schema.ts';
import { leafTypes } from './leaf-types.ts';
import { branchesOf, scalarType } from './scalar-type.ts';

/** Levels are stored in bytes. */
const maxLevel = 255;

/** Each leaf has buffers of its own, and chunks of its own in each file. */
const maxLeaves = 1_000;

/**
 * The nested column type for values of an Avro record, array or map, nulls aside. Everything within is nullable: a later version
 * of a contract may drop a field, or allow null.
 * @returns undefined for other types, and for those that only JSON text can hold: records that contain themselves, that have no
 * fields, or fields whose names differ only in case (Delta's names are case-insensitive), and types of more than a thousand leaves
 */
export function nestedColumnType(avro: Type): NestedType | undefined {
  const type = typeWithin(avro, { around: new Set(), leaves: { left: maxLeaves } });
  if (typeof type !== 'object') return undefined;
  const leaves = leafTypes({ name: '', type, nullable: true });
  return leaves.some(({ definition }) => definition > maxLevel) ? undefined : type;
}

interface Place {
  /** The records that contain the type. */
  readonly around: ReadonlySet<Type>;
  /** How many leaves the column may still get. */
  readonly leaves: { left: number };
}

function typeWithin(avro: Type, at: Place): ColumnType | undefined {
  const type = onlyBranch(avro);
  if (at.leaves.left < 0) return undefined;
  switch (type?.typeName) {
    case 'array': {
      const elementType = typeWithin((type as types.ArrayType).itemsType, at);
      return elementType && { type: 'array', elementType, containsNull: true };
    }
    case 'map': {
      const valueType = typeWithin((type as types.MapType).valuesType, at);
      return valueType && { type: 'map', keyType: 'string', valueType, valueContainsNull: true };
    }
    case 'record':
      return at.around.has(type)
        ? undefined
        : structType(type as types.RecordType, { ...at, around: new Set(at.around).add(type) });
    default:
      return at.leaves.left-- > 0 ? scalarType(avro) : undefined;
  }
}

function structType({ fields }: types.RecordType, at: Place): ColumnType | undefined {
  const names = new Set(fields.map(({ name }) => name.toLowerCase()));
  if (fields.length === 0 || names.size < fields.length) return undefined;
  const columns = fields.flatMap((field) => {
    const type = typeWithin(field.type, at);
    return type === undefined ? [] : [{ name: field.name, type, nullable: true }];
  });
  return columns.length < fields.length ? undefined : { type: 'struct', fields: columns };
}

/** The type of all values that are not null; undefined when there are several or none. */
export function onlyBranch(avro: Type): Type | undefined {
  const branches = branchesOf(avro).filter(({ typeName }) => typeName !== 'null');
  return branches.length === 1 ? branches[0] : undefined;
}
