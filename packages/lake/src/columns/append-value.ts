import type { TableColumn } from '../table-schema.ts';
import type { Column } from './column-buffers.ts';
import { textOf } from './json-field.ts';

/**
 * Appends `count` rows with a value that avsc has decoded. `undefined` becomes null. In a text column, values other than text
 * become JSON.
 * @returns false, with nothing appended, when the value doesn't fit the column
 */
export function appendValue(
  column: Column,
  value: unknown,
  { avroUnit }: Pick<TableColumn, 'avroUnit'>,
  count = 1,
): boolean {
  if (value === null || value === undefined) {
    column.appendNulls(count);
    return true;
  }
  switch (column.kind) {
    case 'boolean':
      if (typeof value !== 'boolean') return false;
      column.fill(value, count);
      return true;
    case 'bytes': {
      const bytes = column.entries.isText ? textOf(value) : value;
      if (typeof bytes !== 'string' && !(bytes instanceof Uint8Array)) return false;
      column.fill(bytes, count);
      return true;
    }
    case 'int32':
      if (value !== (Number(value) | 0)) return false;
      column.fill(value, count);
      return true;
    case 'int64': {
      const long = typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value as number) : null;
      const stored = long !== null && avroUnit === 'millis' ? long * 1_000n : long;
      if (stored === null || BigInt.asIntN(64, stored) !== stored) return false;
      column.fill(stored, count);
      return true;
    }
    default:
      if (typeof value !== 'number') return false;
      column.fill(value, count);
      return true;
  }
}
