import type { Type, types } from 'avsc';
import type { ColumnType, NestedType } from '../table-schema.ts';
import { leafTypes } from './leaf-types.ts';
import { branchesOf, scalarType } from './scalar-type.ts';

/** Levels are stored in bytes. */
const maxLevel = 255;

/**
 * The nested column type for values of an Avro record, array or map, nulls aside. Everything within is nullable: a later version
 * of a contract may drop a field, or allow null.
 * @returns undefined for other types, and for those that only JSON text can hold: records that contain themselves, that have no
 * fields, or fields whose names differ only in case (Delta's names are case-insensitive)
 */
export function nestedColumnType(avro: Type): NestedType | undefined {
  const type = typeWithin(avro, new Set());
  if (typeof type !== 'object') return undefined;
  const leaves = leafTypes({ name: '', type, nullable: true });
  return leaves.some(({ definition }) => definition > maxLevel) ? undefined : type;
}

/** @param around the records that contain the type */
function typeWithin(avro: Type, around: ReadonlySet<Type>): ColumnType | undefined {
  const type = onlyBranch(avro);
  switch (type?.typeName) {
    case 'array': {
      const elementType = typeWithin((type as types.ArrayType).itemsType, around);
      return elementType && { type: 'array', elementType, containsNull: true };
    }
    case 'map': {
      const valueType = typeWithin((type as types.MapType).valuesType, around);
      return valueType && { type: 'map', keyType: 'string', valueType, valueContainsNull: true };
    }
    case 'record':
      return around.has(type) ? undefined : structType(type as types.RecordType, new Set(around).add(type));
    default:
      return scalarType(avro);
  }
}

function structType({ fields }: types.RecordType, around: ReadonlySet<Type>): ColumnType | undefined {
  const names = new Set(fields.map(({ name }) => name.toLowerCase()));
  if (fields.length === 0 || names.size < fields.length) return undefined;
  const columns = fields.flatMap((field) => {
    const type = typeWithin(field.type, around);
    return type === undefined ? [] : [{ name: field.name, type, nullable: true }];
  });
  return columns.length < fields.length ? undefined : { type: 'struct', fields: columns };
}

/** The type of all values that are not null; undefined when there are several or none. */
export function onlyBranch(avro: Type): Type | undefined {
  const branches = branchesOf(avro).filter(({ typeName }) => typeName !== 'null');
  return branches.length === 1 ? branches[0] : undefined;
}
