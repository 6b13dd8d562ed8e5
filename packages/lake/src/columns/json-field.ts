import type { Resolver, Type } from 'avsc';
import type { BytesColumn } from './bytes-column.ts';
import { findEndOf } from './value-end.ts';

/**
 * Reads the value at `pos` into a row of a text column as JSON text.
 * @param source the bytes of `buffer`
 * @returns where the next value begins, or -1 where there is no value that ends at `end` or before
 */
export type ReadJson = (buffer: Buffer, pos: number, end: number, column: BytesColumn, row: number) => number;

/**
 * Values that columns have no form for are decoded by avsc, which gets only bytes that hold a whole value.
 * @param resolver of the reader's type for the writer's; undefined where they are the same
 */
export function jsonReader(writer: Type, reader: Type, resolver: Resolver | undefined): ReadJson {
  const findEnd = findEndOf(writer, 'decoded');
  return (buffer, pos, end, column, row) => {
    let text: string | null;
    let next: number;
    try {
      next = findEnd(buffer, pos, end);
      if (next < 0) return -1;
      const { offset, value } = reader.decode(buffer, pos, resolver) as { offset: number; value: unknown };
      if (offset !== next) return -1;
      text = textOf(value);
    } catch {
      // What avsc throws, and RangeError where the value is nested too deep to be read or written.
      return -1;
    }
    if (text === null) column.present[row] = 0;
    else {
      column.codes[row] = column.codeOf(text);
      column.present[row] = 1;
    }
    return next;
  };
}

/** A value of Avro in a text column: itself where it is a text, else as JSON. */
export function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
