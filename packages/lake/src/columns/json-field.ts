import { jsonWriter } from '@windrow/contracts';
import type { Resolver, Type } from 'avsc';
import type { ReadValue } from './read-value.ts';
import { findEndOf } from './value-end.ts';

/**
 * Reads values of several types into a text column, as JSON. avsc decodes them, after a check that the bytes hold a complete value.
 * @param resolver from the writer's to the reader's type; undefined when they are equal
 * @param texts whether values that are text become JSON too, or stay as they are
 */
export function jsonReader(
  writer: Type,
  reader: Type,
  resolver: Resolver | undefined,
  texts: 'as they are' | 'as JSON',
): ReadValue {
  const isJson = texts === 'as JSON';
  const findEnd = findEndOf(writer, 'decoded');
  const toJson = jsonWriter(reader);
  return (buffer, pos, end, column, row) => {
    let text: string | null;
    let next: number;
    try {
      next = findEnd(buffer, pos, end);
      if (next < 0 || column.kind !== 'bytes') return -1;
      const { offset, value } = reader.decode(buffer, pos, resolver) as { offset: number; value: unknown };
      if (offset !== next) return -1;
      text = value === null ? null : typeof value === 'string' && !isJson ? value : toJson(value);
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
