import { unscaledOf } from '@windrow/contracts';
import { decimalOf, decimalStorage, isDecimal } from '../decimal.ts';
import type { ColumnValue, ScalarType } from '../table-schema.ts';
import { BytesColumn } from './bytes-column.ts';
import { BooleanColumn, Float32Column, Float64Column, Int32Column, Int64Column } from './number-columns.ts';

/** The buffer of a flat column, or of a leaf of a nested one. */
export type ScalarColumn =
  | BooleanColumn
  | BytesColumn
  | Float32Column
  | Float64Column
  | Int32Column
  | Int64Column;

export function scalarColumn(type: ScalarType): ScalarColumn {
  if (isDecimal(type)) {
    const storage = decimalStorage(decimalOf(type));
    if (typeof storage === 'object') return new BytesColumn(false, storage.bytes);
    return storage === 'int32' ? new Int32Column() : new Int64Column();
  }
  switch (type) {
    case 'binary':
      return new BytesColumn(false);
    case 'boolean':
      return new BooleanColumn();
    case 'date':
    case 'integer':
      return new Int32Column();
    case 'double':
      return new Float64Column();
    case 'float':
      return new Float32Column();
    case 'long':
    case 'timestamp':
      return new Int64Column();
    case 'string':
      return new BytesColumn(true);
  }
}

/** One value as a JavaScript value; slow, and bytes are copied. */
export function scalarAt(column: ScalarColumn, row: number): ColumnValue {
  if (column.present[row] !== 1) return null;
  switch (column.kind) {
    case 'boolean':
      return column.values[row] === 1;
    case 'bytes': {
      const bytes = Buffer.from(column.entries.entry(column.codes[row]!));
      if (column.fixedBytes !== undefined) return unscaledOf(bytes);
      return column.entries.isText ? bytes.toString() : new Uint8Array(bytes);
    }
    case 'int64': {
      const number = column.numberAt(row);
      return Number.isSafeInteger(number) ? number : column.values[row]!;
    }
    default:
      return column.values[row]!;
  }
}
