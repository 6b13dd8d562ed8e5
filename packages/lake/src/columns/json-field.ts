import { jsonText } from '@windrow/contracts';
import type { Resolver, Type } from 'avsc';
import type { BytesColumn } from './bytes-column.ts';
import { findEndOf } from './value-end.ts';

/**
 * Reads the value at `pos` into a row of a text column, as JSON.
 * @returns the position of the next value, or -1 when no valid value ends at `end` or before
 */
export type ReadJson = (buffer: Buffer, pos: number, end: number, column: BytesColumn, row: number) => number;

/**
 * Reads values of complex types: avsc decodes them, after a check that the bytes hold a complete value.
 * @param resolver from the writer's to the reader's type; undefined when they are equal
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
      // Errors of avsc, and RangeError when the value is nested too deeply.
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

/** The text for a decoded Avro value: strings as they are, other values as JSON. */
export function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : (jsonText(value) ?? null);
}
