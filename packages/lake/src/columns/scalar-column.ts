import { decimalOf, decimalStorage, isDecimal } from '../decimal.ts';
import type { ScalarType } from '../table-schema.ts';
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
