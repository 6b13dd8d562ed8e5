import type { NestedType, NestedValue, TableColumn } from '../table-schema.ts';
import { ColumnBuffer } from './column-buffer.ts';
import { leafTypes } from './leaf-types.ts';
import { NestedLeaf } from './nested-leaf.ts';
import { type AppendScalar, type Shred, shredder } from './shredder.ts';

/** Columns of structs, arrays and maps: each of their leaves has entries of its own. */
export class NestedColumn extends ColumnBuffer {
  readonly kind = 'nested';
  readonly type: NestedType;
  readonly leaves: readonly NestedLeaf[];
  readonly #shred: Shred;

  constructor(column: TableColumn & { readonly type: NestedType }) {
    super();
    this.type = column.type;
    this.leaves = leafTypes(column).map((leaf) => new NestedLeaf(leaf));
    this.#shred = shredder(column.type, column.nullable, this.leaves);
  }

  get memoryBytes(): number {
    return this.leaves.reduce((bytes, leaf) => bytes + leaf.memoryBytes, this.present.byteLength);
  }

  get usedBytes(): number {
    return this.leaves.reduce((bytes, leaf) => bytes + leaf.usedBytes(this.rows), this.rows);
  }

  /**
   * Appends a value that is not null.
   * @param appendScalar appends a leaf's value, and returns false if it doesn't fit
   * @returns false, with nothing appended, when the value or a part of it doesn't fit
   */
  append(value: NestedValue, appendScalar: AppendScalar): boolean {
    const { rows } = this;
    this.reserve(rows + 1);
    this.beginRow(rows);
    if (!this.#shred(value, 0, 0, appendScalar)) return false;
    this.endRow(rows);
    this.present[rows] = 1;
    this.rows = rows + 1;
    return true;
  }

  /** Removes the entries of a row that was begun, and of those after it. */
  beginRow(row: number): void {
    for (const { starts, values } of this.leaves) values.truncate(starts[row]!);
  }

  /** The entries of a row are complete. */
  endRow(row: number): void {
    for (const { starts, values } of this.leaves) starts[row + 1] = values.rows;
  }

  override appendNulls(count: number): void {
    this.reserve(this.rows + count);
    for (let row = this.rows; row < this.rows + count; row++) {
      this.beginRow(row);
      for (const leaf of this.leaves) leaf.appendNull(0, 0);
      this.endRow(row);
    }
    this.present.fill(0, this.rows, this.rows + count);
    this.rows += count;
  }

  override clear(): void {
    super.clear();
    for (const { values } of this.leaves) values.clear();
  }

  protected resize(capacity: number): void {
    for (const leaf of this.leaves) leaf.reserve(this.rows, capacity);
  }
}
