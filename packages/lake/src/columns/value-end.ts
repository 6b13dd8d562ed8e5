import { maxEmptyItems } from '@windrow/contracts';
import type { Type, types } from 'avsc';
import { readInt, readLong } from './varint.ts';

/** Returns the end of the value that begins at `pos`; -1 when it is invalid or would end after `end`. */
export type FindEnd = (source: Uint8Array, pos: number, end: number) => number;

/**
 * `decoded`: avsc will decode the value, so every item is checked. `skipped`: the value is not used, so blocks of arrays and
 * maps that have their size in front are skipped as a whole.
 */
export type EndOf = 'decoded' | 'skipped';

/** In one value. Items of no bytes (nulls, empty records) cost a sender nothing: a few bytes could claim billions of them. */
let emptyItems = 0;

/**
 * Makes the function that finds the end of values of an Avro type, so that a decoder only gets complete values. Indexes of enum
 * symbols are not checked. A value that is nested deeper than the stack allows is invalid.
 */
export function findEndOf(type: Type, purpose: EndOf): FindEnd {
  const find = finder(type, purpose, new Map());
  return (source, pos, end) => {
    emptyItems = 0;
    try {
      return find(source, pos, end);
    } catch (error) {
      if (error instanceof RangeError) return -1;
      throw error;
    }
  };
}

function finder(type: Type, purpose: EndOf, records: Map<Type, FindEnd>): FindEnd {
  switch (type.typeName) {
    case 'null':
      return (_source, pos) => pos;
    case 'boolean':
      return (_source, pos, end) => within(pos + 1, end);
    case 'int':
      return (source, pos, end) => within(readInt(source, pos, scratch, 0), end);
    case 'long':
    case 'enum':
      return (source, pos, end) => within(readLong(source, pos, scratch, 0), end);
    case 'float':
      return (_source, pos, end) => within(pos + 4, end);
    case 'double':
      return (_source, pos, end) => within(pos + 8, end);
    case 'bytes':
    case 'string':
      return endOfBytes;
    case 'fixed': {
      const { size } = type as types.FixedType;
      return (_source, pos, end) => within(pos + size, end);
    }
    case 'array':
      return endOfBlocks(finder((type as types.ArrayType).itemsType, purpose, records), purpose);
    case 'map': {
      const endOfValue = finder((type as types.MapType).valuesType, purpose, records);
      return endOfBlocks((source, pos, end) => {
        const next = endOfBytes(source, pos, end);
        return next < 0 ? -1 : endOfValue(source, next, end);
      }, purpose);
    }
    case 'union:unwrapped':
    case 'union:wrapped':
      return endOfUnion(
        (type as types.UnwrappedUnionType).types.map((branch) => finder(branch, purpose, records)),
      );
    case 'error':
    case 'record':
      return endOfRecord(type as types.RecordType, purpose, records);
    default:
      throw new TypeError(`unknown Avro type: ${type.typeName}`);
  }
}

function endOfRecord(type: types.RecordType, purpose: EndOf, records: Map<Type, FindEnd>): FindEnd {
  const known = records.get(type);
  if (known) return known;
  const fields: FindEnd[] = [];
  const find: FindEnd = (source, pos, end) => {
    let at = pos;
    for (const field of fields) {
      at = field(source, at, end);
      if (at < 0) return -1;
    }
    return at;
  };
  // Registered before its fields are visited, because a record may contain itself.
  records.set(type, find);
  for (const field of type.fields) fields.push(finder(field.type, purpose, records));
  return find;
}

function endOfUnion(branches: readonly FindEnd[]): FindEnd {
  return (source, pos, end) => {
    const next = readLong(source, pos, scratch, 0);
    const branch = scratch[1] === 0 ? branches[scratch[0]!] : undefined;
    return next < 0 || branch === undefined ? -1 : branch(source, next, end);
  };
}

function endOfBlocks(endOfItem: FindEnd, purpose: EndOf): FindEnd {
  return (source, pos, end) => {
    let at = pos;
    for (;;) {
      at = within(readLong(source, at, scratch, 0), end);
      if (at < 0) return -1;
      const count = longRead();
      if (count === 0) return at;
      // A negative count is followed by the size of the block.
      let blockEnd = -1;
      if (count < 0) {
        at = within(readLong(source, at, scratch, 0), end);
        blockEnd = at < 0 ? -1 : jumped(at, end);
        if (blockEnd < 0) return -1;
      }
      if (blockEnd >= 0 && purpose === 'skipped') {
        at = blockEnd;
        continue;
      }
      for (let items = Math.abs(count); items > 0; items--) {
        const next = endOfItem(source, at, end);
        if (next < 0 || (next === at && ++emptyItems > maxEmptyItems)) return -1;
        at = next;
      }
      if (blockEnd >= 0 && at !== blockEnd) return -1;
    }
  };
}

function endOfBytes(source: Uint8Array, pos: number, end: number): number {
  const next = readLong(source, pos, scratch, 0);
  return next < 0 ? -1 : jumped(next, end);
}

/** Skips as many bytes as the long that was read last says. */
function jumped(pos: number, end: number): number {
  const bytes = longRead();
  return bytes < 0 ? -1 : within(pos + bytes, end);
}

function within(next: number, end: number): number {
  return next <= end ? next : -1;
}

const scratch = new Int32Array(2);

/** The long that was read last, rounded beyond 2^53. */
function longRead(): number {
  return scratch[1]! * 2 ** 32 + (scratch[0]! >>> 0);
}
