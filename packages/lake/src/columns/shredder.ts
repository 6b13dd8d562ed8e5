import type { ColumnType, ColumnValue, NestedValue, ScalarType, StructType } from '../table-schema.ts';
import { leafCount } from './leaf-types.ts';
import type { NestedLeaf } from './nested-leaf.ts';
import type { ScalarColumn } from './scalar-column.ts';

/** Appends a value to a leaf's column. @returns false, with nothing appended, when it doesn't fit */
export type AppendScalar = (
  type: ScalarType,
  column: ScalarColumn,
  value: NonNullable<ColumnValue>,
) => boolean;

/**
 * Appends the entries of a value to the leaves below a type.
 * @param repetition the level of the first entry
 * @param definition the level down to the surrounding type
 * @returns false when the value or a part of it doesn't fit; entries may have been appended
 */
export type Shred = (
  value: NestedValue,
  repetition: number,
  definition: number,
  append: AppendScalar,
) => boolean;

/**
 * Makes the function that takes values apart ("record shredding", as in parquet-format, "Nested Encoding").
 * @param leaves the leaves of the type, in their order
 * @param depth the number of arrays and maps around the type
 */
export function shredder(
  type: ColumnType,
  nullable: boolean,
  leaves: readonly NestedLeaf[],
  depth = 0,
): Shred {
  const shred = presentShredder(type, leaves, depth);
  const own = nullable ? 1 : 0;
  return (value, repetition, definition, append) => {
    if (value !== null && value !== undefined) return shred(value, repetition, definition + own, append);
    for (const leaf of leaves) leaf.appendNull(repetition, definition);
    return nullable;
  };
}

/** Takes values apart that are not null. */
function presentShredder(type: ColumnType, leaves: readonly NestedLeaf[], depth: number): Shred {
  if (typeof type === 'string') return leafShredder(type, leaves);
  switch (type.type) {
    case 'struct':
      return structShredder(type, leaves, depth);
    case 'array':
      return itemsShredder(shredder(type.elementType, type.containsNull, leaves, depth + 1), leaves, depth);
    case 'map': {
      const shredKey = shredder(type.keyType, false, leaves.slice(0, 1), depth + 1);
      const shredValue = shredder(type.valueType, type.valueContainsNull, leaves.slice(1), depth + 1);
      return itemsShredder(entryShredder(shredKey, shredValue), leaves, depth);
    }
  }
}

function leafShredder(type: ScalarType, leaves: readonly NestedLeaf[]): Shred {
  const [leaf] = leaves;
  if (leaf === undefined) throw new TypeError('a column has fewer leaves than its type');
  return (value, repetition, definition, append) => {
    leaf.level(repetition, definition);
    return append(type, leaf.values, value as NonNullable<ColumnValue>);
  };
}

function structShredder(type: StructType, leaves: readonly NestedLeaf[], depth: number): Shred {
  let first = 0;
  const fields = type.fields.map((field) => {
    const own = leaves.slice(first, first + leafCount(field.type));
    first += own.length;
    return { name: field.name, shred: shredder(field.type, field.nullable, own, depth) };
  });
  return (value, repetition, definition, append) => {
    if (typeof value !== 'object' || Array.isArray(value)) return false;
    const struct = value as { readonly [field: string]: NestedValue };
    return fields.every(({ name, shred }) => shred(struct[name], repetition, definition, append));
  };
}

function itemsShredder(shredItem: Shred, leaves: readonly NestedLeaf[], depth: number): Shred {
  return (value, repetition, definition, append) => {
    if (!Array.isArray(value)) return false;
    if (value.length === 0) for (const leaf of leaves) leaf.appendNull(repetition, definition);
    return value.every((item: NestedValue, index) =>
      shredItem(item, index === 0 ? repetition : depth + 1, definition + 1, append),
    );
  };
}

function entryShredder(shredKey: Shred, shredValue: Shred): Shred {
  return (entry, repetition, definition, append) => {
    if (typeof entry !== 'object' || entry === null || !('key' in entry)) return false;
    const { key, value } = entry;
    return shredKey(key, repetition, definition, append) && shredValue(value, repetition, definition, append);
  };
}
