import { unscaledBytes } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { decimalOf, isDecimal } from '../../decimal.ts';
import {
  type ColumnType,
  type ColumnValue,
  type ScalarType,
  type TableColumn,
  type TableSchema,
  typeName,
} from '../../table-schema.ts';
import { type Column, ColumnBuffers } from '../column-buffers.ts';
import { wrongValue } from '../wrong-value.ts';

/** Rows as JavaScript values: `columns[i]` holds the `rowCount` values of `schema.columns[i]`. */
export interface ColumnBatch {
  readonly schema: TableSchema;
  readonly rowCount: number;
  readonly columns: ReadonlyArray<ArrayLike<ColumnValue>>;
}

/**
 * Makes column buffers from JavaScript values, and checks that each value fits its column.
 * @throws WindrowError ENCODE_FAILED naming the column, never the value
 */
export function columnBuffersFrom({ columns, rowCount, schema }: ColumnBatch): ColumnBuffers {
  const buffers = new ColumnBuffers(schema);
  schema.columns.forEach((column, index) => {
    const values = columns[index];
    if (values?.length !== rowCount) throw wrongLength(column, values?.length, rowCount);
    const buffer = must(buffers.columns[index]);
    buffer.reserve(rowCount);
    for (let row = 0; row < rowCount; row++) {
      const value = values[row];
      if (value === null || value === undefined) buffer.appendNull();
      else if (!isAppended(flatType(column.type), buffer, value)) throw wrongValue(column, value);
    }
  });
  return buffers;
}

/** Tests of flat columns have no others. */
export function flatType(type: ColumnType): ScalarType {
  if (typeof type === 'string') return type;
  throw new TypeError(`a column is nested: ${typeName(type)}`);
}

/** Returns false, with nothing appended, when the value doesn't fit the column. */
export function isAppended(type: ScalarType, buffer: Column, value: NonNullable<ColumnValue>): boolean {
  if (isDecimal(type)) {
    if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return false;
    const limit = 10n ** BigInt(decimalOf(type).precision);
    const unscaled = BigInt(value as number | bigint);
    if (unscaled >= limit || unscaled <= -limit) return false;
    if (buffer.kind === 'bytes') buffer.append(unscaledBytes(unscaled, must(buffer.fixedBytes)));
    else if (buffer.kind === 'int32') buffer.append(Number(unscaled));
    else if (buffer.kind === 'int64') buffer.append(unscaled);
    return true;
  }
  switch (buffer.kind) {
    case 'boolean':
      if (typeof value !== 'boolean') return false;
      buffer.append(value);
      return true;
    case 'bytes':
      if (type === 'string' ? typeof value !== 'string' : !(value instanceof Uint8Array)) return false;
      buffer.append(value as string | Uint8Array);
      return true;
    case 'float32':
    case 'float64':
      if (typeof value !== 'number') return false;
      buffer.append(value);
      return true;
    case 'nested':
      return false;
    case 'int32':
      if (typeof value !== 'number' || (value | 0) !== value) return false;
      buffer.append(value);
      return true;
    case 'int64': {
      const isHeld =
        typeof value === 'bigint'
          ? BigInt.asIntN(64, value) === value
          : typeof value === 'number' && Number.isSafeInteger(value);
      if (isHeld) buffer.append(value as number | bigint);
      return isHeld;
    }
  }
}

/** The error for a column with fewer or more values than its batch has rows. */
function wrongLength(column: TableColumn, length: number | undefined, rowCount: number): WindrowError {
  return new WindrowError(
    'ENCODE_FAILED',
    `column ${column.name} has ${length ?? 'no'} values for ${rowCount} rows: correct the code that fills it`,
  );
}
