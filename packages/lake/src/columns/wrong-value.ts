import { WindrowError } from '@windrow/runtime';
import { type ColumnValue, type TableColumn, typeName } from '../table-schema.ts';

/** The error for a value that doesn't fit its column. It never contains the value, which may be personal data. */
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
    `column ${column.name} of type ${typeName(column.type)} can't store ${got}: correct the code that fills it`,
  );
}

function numberKind(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : 'an infinity';
  return Number.isInteger(value) ? 'an integer out of range' : 'a number with a fraction';
}
