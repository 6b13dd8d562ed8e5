import { unscaledOf } from '@windrow/contracts';
import { decimalOf, decimalStorage, isDecimal } from '../decimal.ts';
import type { ColumnType, ColumnValue, TableSchema } from '../table-schema.ts';
import { BytesColumn } from './bytes-column.ts';
import { BooleanColumn, Float32Column, Float64Column, Int32Column, Int64Column } from './number-columns.ts';

export type Column = BooleanColumn | BytesColumn | Float32Column | Float64Column | Int32Column | Int64Column;

/** The column buffers of a table, in the order of its schema. Between two appends, all columns have the same number of rows. */
export class ColumnBuffers {
  readonly schema: TableSchema;
  readonly columns: readonly Column[];

  constructor(schema: TableSchema) {
    this.schema = schema;
    this.columns = schema.columns.map(({ type }) => columnOf(type));
  }

  /** The number of complete rows: columns are filled in order, so it is that of the last one. */
  get rowCount(): number {
    return this.columns.at(-1)?.rows ?? 0;
  }

  /** Allocated memory of all columns, unused capacity included. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const column of this.columns) bytes += column.memoryBytes;
    return bytes;
  }

  /** The part of `memoryBytes` that is in use. */
  get usedBytes(): number {
    let bytes = 0;
    for (const column of this.columns) bytes += column.usedBytes;
    return bytes;
  }

  /** Removes the rows from number `rows` on, in all columns. */
  truncate(rows: number): void {
    for (const column of this.columns) column.truncate(rows);
  }

  /** Removes all rows and keeps the allocated memory. */
  clear(): void {
    for (const column of this.columns) column.clear();
  }

  /** One value as a JavaScript value; slow, and bytes are copied. */
  valueAt(column: number, row: number): ColumnValue {
    const buffer = this.columns[column]!;
    if (buffer.present[row] !== 1) return null;
    switch (buffer.kind) {
      case 'boolean':
        return buffer.values[row] === 1;
      case 'bytes': {
        const bytes = Buffer.from(buffer.entries.entry(buffer.codes[row]!));
        if (buffer.fixedBytes !== undefined) return unscaledOf(bytes);
        return buffer.entries.isText ? bytes.toString() : new Uint8Array(bytes);
      }
      case 'int64': {
        const number = buffer.numberAt(row);
        return Number.isSafeInteger(number) ? number : buffer.values[row]!;
      }
      default:
        return buffer.values[row]!;
    }
  }
}

function columnOf(type: ColumnType): Column {
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
