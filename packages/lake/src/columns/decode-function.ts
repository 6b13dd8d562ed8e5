import type { Column } from './column-buffers.ts';
import { fieldCode } from './field-code.ts';
import type { FieldPlan } from './field-plan.ts';
import type { ReadValue } from './read-value.ts';
import { SymbolCodes } from './symbol-codes.ts';
import type { FindEnd } from './value-end.ts';
import { readInt, readIntMillis, readLong, readLongMillis } from './varint.ts';

/** A field of the writer's schema: the columns that get its value (several when they have its name as an alias), or how to skip it. */
export type WriterField =
  | { readonly columns: readonly ColumnPlan[] }
  | { readonly columns: readonly []; readonly findEnd: FindEnd };

export interface ColumnPlan {
  readonly column: number;
  readonly plan: FieldPlan;
}

/**
 * Decodes the records `from` to `to` into `row` and the rows after it. Returns `to`, or the index of the first invalid record.
 * The caller must have reserved the rows, and sets the columns' `rows` afterwards.
 */
export type DecodeFunction = (
  source: Uint8Array,
  buffer: Buffer,
  view: DataView,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
  columns: readonly Column[],
  row: number,
) => number;

/** Generates the function for one pair of schemas: straight-line code for the writer's fields, in their order. */
export function decodeFunction(
  fields: readonly WriterField[],
  kinds: readonly Column['kind'][],
): DecodeFunction {
  const bound: Record<string, unknown> = {
    ...{ readInt, readIntMillis, readLong, readLongMillis },
    long: new Int32Array(2),
  };
  const opening: string[] = [];
  const nameOf = (symbols: readonly string[], column: number): string => {
    const name = `symbols${Object.keys(bound).length}`;
    bound[name] = new SymbolCodes(symbols);
    opening.push(`${name}.begin(column${column});`);
    return name;
  };
  const nameOfReader = (readValue: ReadValue): string => {
    const name = `read${Object.keys(bound).length}`;
    bound[name] = readValue;
    return name;
  };
  const codeOf = ({ column, plan }: ColumnPlan): string => {
    opening.push(arraysCode(kinds[column]!, column));
    return fieldCode(plan, kinds[column]!, column, { nameOf, nameOfReader });
  };
  const reading = fields.map((field, index) => {
    if ('findEnd' in field) {
      bound[`findEnd${index}`] = field.findEnd;
      return `pos = findEnd${index}(source, pos, end); if (pos < 0) break records;`;
    }
    const code = field.columns.map(codeOf);
    return code.length === 1 ? code[0] : `fieldStart = pos;\n${code.join('\npos = fieldStart;\n')}`;
  });
  const code = `'use strict';
return function decode(source, buffer, view, starts, ends, from, to, columns, firstRow) {
  ${opening.join('\n  ')}
  let row = firstRow, record = from, pos = 0, fieldStart = 0, n = 0;
  records: for (; record < to; record++, row++) {
    const end = ends[record];
    pos = starts[record];
    ${reading.join('\n    ')}
    if (pos !== end) break;
  }
  return record;
};`;
  const make = new Function(...Object.keys(bound), code) as (...values: unknown[]) => DecodeFunction;
  return make(...Object.values(bound));
}

/** Code that loads a column's arrays into variables. Arrays don't change while a call decodes. */
function arraysCode(kind: Column['kind'], column: number): string {
  const arrays = `const column${column} = columns[${column}], present${column} = column${column}.present,`;
  if (kind === 'nested') return `const column${column} = columns[${column}];`;
  if (kind === 'bytes') {
    return `${arrays} codes${column} = column${column}.codes, entries${column} = column${column}.entries;`;
  }
  const values = kind === 'int64' ? 'halves' : 'values';
  return `${arrays} ${values}${column} = column${column}.${values};`;
}
