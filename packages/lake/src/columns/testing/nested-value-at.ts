import { must } from '@windrow/runtime/testing';
import type { ColumnType, NestedValue } from '../../table-schema.ts';
import type { NestedColumn } from '../nested-column.ts';
import type { NestedLeaf } from '../nested-leaf.ts';
import { scalarAt } from '../scalar-column.ts';

/** The value of a row of a nested column, put together from the entries of its leaves. */
export function nestedValueAt(column: NestedColumn, row: number): NestedValue {
  const cursors = column.leaves.map(
    (leaf) => new Cursor(leaf, must(leaf.starts[row]), must(leaf.starts[row + 1])),
  );
  const value = make(column.type, true, cursors.values(), 0, 0)();
  if (cursors.some(({ entry, end }) => entry !== end)) throw new RangeError('a leaf has more entries');
  return value;
}

class Cursor {
  entry: number;
  readonly end: number;
  readonly leaf: NestedLeaf;

  constructor(leaf: NestedLeaf, start: number, end: number) {
    this.leaf = leaf;
    this.entry = start;
    this.end = end;
  }
}

type Make = () => NestedValue;

/**
 * Makes the function that returns the next value of a type.
 * @param definition the level of the surrounding type
 */
function make(
  type: ColumnType,
  nullable: boolean,
  cursors: Iterator<Cursor>,
  definition: number,
  depth: number,
): Make {
  const own = definition + (nullable ? 1 : 0);
  const below: Cursor[] = [];
  const noting: Iterator<Cursor> = {
    next: () => {
      const result = cursors.next();
      if (!result.done) below.push(result.value);
      return result;
    },
  };
  const skip = () => {
    for (const cursor of below) cursor.entry++;
  };
  const level = () => must(must(below[0]).leaf.definition[must(below[0]).entry]);
  const present = ((): Make => {
    if (typeof type === 'string') {
      const cursor = must(noting.next().value as Cursor | undefined);
      return () => scalarAt(cursor.leaf.values, cursor.entry++);
    }
    if (type.type === 'struct') {
      const fields = type.fields.map((field) => ({
        name: field.name,
        value: make(field.type, field.nullable, noting, own, depth),
      }));
      return () => Object.fromEntries(fields.map(({ name, value }) => [name, value()]));
    }
    const item =
      type.type === 'array'
        ? make(type.elementType, type.containsNull, noting, own + 1, depth + 1)
        : undefined;
    const key = type.type === 'map' ? make(type.keyType, false, noting, own + 1, depth + 1) : undefined;
    const value =
      type.type === 'map'
        ? make(type.valueType, type.valueContainsNull, noting, own + 1, depth + 1)
        : undefined;
    return () => {
      if (level() === own) {
        skip();
        return [];
      }
      const items: NestedValue[] = [];
      const first = must(below[0]);
      do items.push(item ? item() : { key: must(key)(), value: must(value)() });
      while (first.entry < first.end && first.leaf.repetition[first.entry] === depth + 1);
      return items;
    };
  })();
  return () => {
    if (level() >= own) return present();
    skip();
    return null;
  };
}
