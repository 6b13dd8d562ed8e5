import type { Resolver, Type, types } from 'avsc';
import type { ColumnType, NestedType, ScalarType, StructType } from '../table-schema.ts';
import { viewOf } from './byte-entries.ts';
import { decodeFunction } from './decode-function.ts';
import type { FieldPlan } from './field-plan.ts';
import { leafCount } from './leaf-types.ts';
import type { NestedLeaf } from './nested-leaf.ts';
import { onlyBranch } from './nested-type.ts';
import type { ReadValue } from './read-value.ts';
import { scalarColumn } from './scalar-column.ts';
import { findEndOf } from './value-end.ts';
import { readLong } from './varint.ts';

/** How a leaf's values of an Avro type are read. */
export type LeafPlan = (avro: Type, type: ScalarType) => FieldPlan;

/**
 * Reads values into the leaves of a nested column.
 * @param resolver from the writer's to the reader's type; undefined when they are equal. Values of another writer are decoded by
 * avsc, and encoded as the reader's.
 */
export function nestedReader(
  writer: Type,
  reader: Type,
  type: NestedType,
  resolver: Resolver | undefined,
  planOf: LeafPlan,
): ReadValue {
  const findEnd = findEndOf(writer, 'decoded');
  const walker = new Walker(planOf);
  const walk = walker.walk(reader, type, 0, 0);
  const again = (buffer: Buffer, pos: number): { offset: number; bytes: Buffer } => {
    const { offset, value } = reader.decode(buffer, pos, resolver);
    return { offset, bytes: reader.toBuffer(value) };
  };
  return (buffer, pos, end, column, row) => {
    try {
      const next = findEnd(buffer, pos, end);
      if (next < 0 || column.kind !== 'nested') return -1;
      walker.begin(column.leaves, buffer);
      column.beginRow(row);
      if (resolver === undefined && walk(pos, next, 0, 0) !== next) return -1;
      if (resolver !== undefined || walker.hasRepeatedKeys) {
        // Of the values with the same key, avsc keeps the last one.
        const { bytes, offset } = again(buffer, pos);
        if (offset !== next) return -1;
        walker.begin(column.leaves, bytes);
        column.beginRow(row);
        if (walk(0, bytes.length, 0, 0) !== bytes.length) return -1;
      }
      column.endRow(row);
      const [leaf] = column.leaves;
      column.present[row] = leaf?.definition[leaf.starts[row]!] === 0 ? 0 : 1;
      return next;
    } catch {
      // Errors of avsc, and RangeError when the value is nested too deeply.
      return -1;
    }
  };
}

/**
 * Appends the entries of the value at `pos`.
 * @param repetition the level of the first entry
 * @param definition the level down to the surrounding type
 * @returns the position of the next value; -1 when the value is invalid
 */
type Walk = (pos: number, end: number, repetition: number, definition: number) => number;

const long = new Int32Array(2);

/** Walks through the bytes of values of the reader's type, which must be complete. */
class Walker {
  hasRepeatedKeys = false;
  readonly #planOf: LeafPlan;
  #leaves: readonly NestedLeaf[] = [];
  #source: Buffer = Buffer.alloc(0);
  #view = viewOf(this.#source);

  constructor(planOf: LeafPlan) {
    this.#planOf = planOf;
  }

  /** Sets where the next value is, and the leaves for its entries. */
  begin(leaves: readonly NestedLeaf[], source: Buffer): void {
    this.hasRepeatedKeys = false;
    this.#leaves = leaves;
    if (source === this.#source) return;
    this.#source = source;
    this.#view = viewOf(source);
  }

  /**
   * Makes the function for values of a type, or null.
   * @param leaf the number of the type's first leaf
   * @param depth the number of arrays and maps around the type
   */
  walk(avro: Type, type: ColumnType, leaf: number, depth: number): Walk {
    if (typeof type === 'string') return this.#leafWalk(avro, type, leaf);
    const present = this.#presentWalk(avro, type, leaf, depth);
    if (!avro.typeName.startsWith('union:'))
      return (pos, end, repetition, definition) => present(pos, end, repetition, definition + 1);
    const isNull = (avro as types.UnwrappedUnionType).types.map(({ typeName }) => typeName === 'null');
    const count = leafCount(type);
    return (pos, end, repetition, definition) => {
      const next = readLong(this.#source, pos, long, 0);
      const absent = isNull[long[0]!];
      if (absent === undefined) return -1;
      if (!absent) return present(next, end, repetition, definition + 1);
      this.#appendNulls(leaf, count, repetition, definition);
      return next;
    };
  }

  #appendNulls(first: number, count: number, repetition: number, definition: number): void {
    for (let at = first; at < first + count; at++) this.#leaves[at]!.appendNull(repetition, definition);
  }

  #leafWalk(avro: Type, type: ScalarType, at: number): Walk {
    const findEnd = findEndOf(avro, 'decoded');
    const decode = decodeFunction(
      [{ columns: [{ column: 0, plan: this.#planOf(avro, type) }] }],
      [scalarColumn(type).kind],
    );
    const [starts, ends] = [new Int32Array(1), new Int32Array(1)];
    return (pos, end, repetition, definition) => {
      const { values } = this.#leaves[at]!;
      const entry = values.rows;
      const next = findEnd(this.#source, pos, end);
      if (next < 0) return -1;
      values.reserve(entry + 1);
      starts[0] = pos;
      ends[0] = next;
      if (decode(this.#source, this.#source, this.#view, starts, ends, 0, 1, [values], entry) !== 1)
        return -1;
      this.#leaves[at]!.level(repetition, definition + values.present[entry]!);
      values.rows = entry + 1;
      return next;
    };
  }

  #presentWalk(avro: Type, type: NestedType, leaf: number, depth: number): Walk {
    const present = onlyBranch(avro);
    switch (type.type) {
      case 'struct':
        return this.#structWalk(present as types.RecordType, type, leaf, depth);
      case 'array': {
        const item = this.walk((present as types.ArrayType).itemsType, type.elementType, leaf, depth + 1);
        return this.#itemsWalk(() => item, leaf, leafCount(type), depth);
      }
      case 'map': {
        const value = this.walk((present as types.MapType).valuesType, type.valueType, leaf + 1, depth + 1);
        return this.#itemsWalk(() => this.#entryWalk(leaf, value), leaf, leafCount(type), depth);
      }
    }
  }

  #structWalk({ fields }: types.RecordType, type: StructType, leaf: number, depth: number): Walk {
    let first = leaf;
    const walks = type.fields.map((field, index) => {
      const walk = this.walk(fields[index]!.type, field.type, first, depth);
      first += leafCount(field.type);
      return walk;
    });
    return (pos, end, repetition, definition) => {
      let at = pos;
      for (const walk of walks) {
        at = walk(at, end, repetition, definition);
        if (at < 0) return -1;
      }
      return at;
    };
  }

  /** @param begin makes the function for the items of one array or map */
  #itemsWalk(begin: () => Walk, leaf: number, count: number, depth: number): Walk {
    return (pos, end, repetition, definition) => {
      const walkItem = begin();
      let level = repetition;
      let at = readLong(this.#source, pos, long, 0);
      for (let items = long[0]!; items !== 0; items = long[0]!) {
        // A negative count is followed by the size of the block.
        if (items < 0) at = readLong(this.#source, at, long, 0);
        for (let left = Math.abs(items); left > 0; left--) {
          at = walkItem(at, end, level, definition + 1);
          if (at < 0) return -1;
          level = depth + 1;
        }
        at = readLong(this.#source, at, long, 0);
      }
      // The level of the first item is at most the depth.
      if (level === repetition) this.#appendNulls(leaf, count, repetition, definition);
      return at;
    };
  }

  /** The function for the entries of one map, which notes repeated keys. */
  #entryWalk(leaf: number, walkValue: Walk): Walk {
    const seen = new Set<string>();
    return (pos, end, repetition, definition) => {
      const start = readLong(this.#source, pos, long, 0);
      const next = start + long[0]!;
      const key = this.#source.toString('latin1', start, next);
      if (seen.has(key)) this.hasRepeatedKeys = true;
      seen.add(key);
      const { values } = this.#leaves[leaf]!;
      if (values.kind !== 'bytes') return -1;
      this.#leaves[leaf]!.level(repetition, definition);
      values.append(this.#source.subarray(start, next));
      return walkValue(next, end, repetition, definition);
    };
  }
}
