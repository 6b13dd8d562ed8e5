import type { Column } from './column-buffers.ts';
import type { FieldPlan } from './field-plan.ts';
import type { ReadValue } from './read-value.ts';

/** The variables of the generated code that hold the symbols of its enums, and functions. */
export interface BoundNames {
  /** @returns the name of the variable with a function */
  nameOfReader(readValue: ReadValue): string;
  /** @returns the name of the variable with the {@link SymbolCodes} of an enum for a column */
  nameOf(symbols: readonly string[], column: number): string;
}

/**
 * JavaScript that reads one value at `pos` into row `row` of a column, and advances `pos`. It breaks out of the loop `records`
 * when the value is invalid. The code contains only numbers from the schemas, never names, symbols or defaults, so a schema
 * can't inject code.
 */
export function fieldCode(plan: FieldPlan, kind: Column['kind'], column: number, names: BoundNames): string {
  const present = `present${column}[row] = 1;`;
  switch (plan.read) {
    case 'null':
      return `present${column}[row] = 0;`;
    case 'boolean':
      return `values${column}[row] = source[pos++] === 0 ? 0 : 1; ${present}`;
    case 'int':
      return `${intCode(kind, column)} ${present}`;
    case 'long':
      return `${longCode(kind, column)} ${present}`;
    case 'millis': {
      const read = plan.as === 'int' ? 'readIntMillis' : 'readLongMillis';
      return `pos = ${read}(source, pos, halves${column}, row); if (pos < 0) break records; ${present}`;
    }
    case 'float':
      return `if (end - pos < 4) break records;
        values${column}[row] = view.getFloat32(pos, true); pos += 4; ${present}`;
    case 'double':
      return `if (end - pos < 8) break records;
        values${column}[row] = view.getFloat64(pos, true); pos += 8; ${present}`;
    case 'bytes':
      return `${naturalCode} ${bytesCode('n', column)} ${present}`;
    case 'fixed':
      return `${bytesCode(`${plan.size}`, column)} ${present}`;
    case 'enum':
      return `${naturalCode}
        n = ${names.nameOf(plan.symbols, column)}.codeOf(n); if (n < 0) break records;
        codes${column}[row] = n; ${present}`;
    case 'union': {
      const branches = plan.branches.map(
        (branch, index) => `case ${index}: ${fieldCode(branch, kind, column, names)} break;`,
      );
      return `${naturalCode}
        switch (n) { ${branches.join('\n')} default: break records; }`;
    }
    case 'value': {
      const read = names.nameOfReader(plan.readValue);
      return `pos = ${read}(buffer, pos, end, column${column}, row); if (pos < 0) break records;`;
    }
  }
}

/** Reads a non-negative number into `n`: the length of bytes, the index of a union's branch or of an enum's symbol. */
const naturalCode = `n = source[pos++];
  if (n < 128) { if ((n & 1) === 1) break records; n >>>= 1; }
  else {
    pos = readLong(source, pos - 1, long, 0); n = long[0];
    if (pos < 0 || long[1] !== 0 || n < 0) break records;
  }`;

function bytesCode(length: string, column: number): string {
  return `if (${length} > end - pos) break records;
    codes${column}[row] = entries${column}.put(source, view, pos, pos + ${length}); pos += ${length};`;
}

function intCode(kind: Column['kind'], column: number): string {
  if (kind === 'int32')
    return `pos = readInt(source, pos, values${column}, row); if (pos < 0) break records;`;
  const read = 'pos = readInt(source, pos, long, 0); if (pos < 0) break records; n = long[0];';
  if (kind === 'int64')
    return `${read} halves${column}[2 * row] = n; halves${column}[2 * row + 1] = n >> 31;`;
  return `${read} values${column}[row] = n;`;
}

function longCode(kind: Column['kind'], column: number): string {
  if (kind === 'int64') {
    return `pos = readLong(source, pos, halves${column}, row); if (pos < 0) break records;`;
  }
  return `pos = readLong(source, pos, long, 0); if (pos < 0) break records;
    values${column}[row] = long[1] * 4294967296 + (long[0] >>> 0);`;
}
