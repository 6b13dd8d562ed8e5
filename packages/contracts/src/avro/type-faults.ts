import type { Type, types } from 'avsc';
import { logicalTypeOf } from './exact-types.ts';

/** The largest precision of Delta, Parquet and Spark. */
export const maxPrecision = 38;

/** What the lake can't hold in a field of this type, with the way out, one text for each place in the field. */
export function typeFaults(type: Type, path: string, seen: ReadonlySet<Type> = new Set()): string[] {
  if (seen.has(type)) return [];
  const within = new Set(seen).add(type);
  const logicalType = logicalTypeOf(type);
  if (logicalType?.name === 'duration')
    return [`${path} is a duration, which the lake can't hold; make it a long with its unit in its name`];
  if (logicalType?.name === 'decimal' && (logicalType.precision ?? 0) > maxPrecision)
    return [
      `${path} is a decimal of ${logicalType.precision} digits; the lake holds ${maxPrecision}: declare fewer, or make it a string`,
    ];
  switch (type.typeName) {
    case 'array':
      return typeFaults((type as types.ArrayType).itemsType, `${path}[]`, within);
    case 'map':
      return typeFaults((type as types.MapType).valuesType as Type, `${path}{}`, within);
    case 'record':
      return (type as types.RecordType).fields.flatMap((field) =>
        typeFaults(field.type, `${path}.${field.name}`, within),
      );
    default:
      return type.typeName.startsWith('union:')
        ? (type as types.UnwrappedUnionType).types.flatMap((branch) => typeFaults(branch, path, within))
        : [];
  }
}
