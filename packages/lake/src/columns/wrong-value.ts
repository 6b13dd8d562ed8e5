import { WindrowError } from '@windrow/runtime';
import type { ColumnValue, TableColumn } from '../table-schema.ts';

/** The error for a value that its column can't hold. */
export function wrongValue(column: TableColumn, value: ColumnValue): WindrowError {
  const got =
    value instanceof Uint8Array
      ? 'bytes'
      : value === null
        ? 'null'
        : typeof value === 'number'
          ? numberKind(value)
          : `a ${typeof value}`;
  return new WindrowError(
    'ENCODE_FAILED',
    `column ${column.name} of type ${column.type} got ${got}: correct the step that fills it`,
  );
}

function numberKind(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : 'an infinity';
  return Number.isInteger(value) ? 'an integer out of range' : 'a number with a fraction';
}
