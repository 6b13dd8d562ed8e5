import { logicalTypeOf } from '@windrow/contracts';
import type { Type, types } from 'avsc';
import type { ScalarType } from '../table-schema.ts';

/**
 * The flat column type for values of an Avro type, nulls aside. Records, arrays and maps are text, and a union of several types is
 * text with the value as JSON.
 */
export function scalarType(avro: Type): ScalarType {
  const branches = branchesOf(avro).filter(({ typeName }) => typeName !== 'null');
  const [type] = branches;
  if (type === undefined || branches.length > 1) return 'string';
  const logicalType = logicalTypeOf(type);
  switch (type.typeName) {
    case 'int':
      return logicalType?.name === 'date' ? 'date' : 'integer';
    case 'long':
      return logicalType?.name === 'timestamp-millis' || logicalType?.name === 'timestamp-micros'
        ? 'timestamp'
        : 'long';
    case 'bytes':
    case 'fixed': {
      if (logicalType?.name === 'uuid') return 'string';
      if (logicalType?.name !== 'decimal') return 'binary';
      return `decimal(${logicalType.precision ?? 0},${logicalType.scale ?? 0})`;
    }
    case 'boolean':
    case 'double':
    case 'float':
      return type.typeName;
    default:
      return 'string';
  }
}

export function branchesOf(type: Type): readonly Type[] {
  return type.typeName.startsWith('union:') ? (type as types.UnwrappedUnionType).types : [type];
}
