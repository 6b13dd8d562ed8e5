import type { ColumnValue, TableColumn, TableSchema } from '../table-schema.ts';
import { NestedColumn } from './nested-column.ts';
import { type ScalarColumn, scalarAt, scalarColumn } from './scalar-column.ts';

export type Column = ScalarColumn | NestedColumn;

/** The column buffers of a table, in the order of its schema. Between two appends, all columns have the same number of rows. */
export class ColumnBuffers {
  readonly schema: TableSchema;
  readonly columns: readonly Column[];

  constructor(schema: TableSchema) {
    this.schema = schema;
    this.columns = schema.columns.map(columnOf);
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

  /**
   * One value of a flat column as a JavaScript value; slow, and bytes are copied.
   * @throws TypeError for a nested column
   */
  valueAt(column: number, row: number): ColumnValue {
    const buffer = this.columns[column]!;
    if (buffer.kind === 'nested') throw new TypeError('the values of nested columns are in their leaves');
    return scalarAt(buffer, row);
  }
}

function columnOf({ type, ...column }: TableColumn): Column {
  return typeof type === 'string' ? scalarColumn(type) : new NestedColumn({ ...column, type });
}
