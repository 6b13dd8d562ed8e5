import type { ScalarType } from '../table-schema.ts';
import { grown, initialCapacity } from './column-buffer.ts';
import { type ScalarColumn, scalarColumn } from './scalar-column.ts';

/** A leaf of a type: where it is, and the levels of an entry with a value. */
export interface LeafType {
  /** Names in the Parquet schema, from the column on. */
  readonly path: readonly string[];
  readonly type: ScalarType;
  readonly definition: number;
  readonly repetition: number;
}

/**
 * The entries of one leaf of a nested column, as Parquet stores them (parquet-format, "Nested Encoding"): each has a repetition
 * level, a definition level, and a value if its definition level is the leaf's.
 */
export class NestedLeaf {
  readonly type: LeafType;
  /** A row for each entry, null where the entry has no value. */
  readonly values: ScalarColumn;
  definition: Uint8Array = new Uint8Array(initialCapacity);
  repetition: Uint8Array = new Uint8Array(initialCapacity);
  /** The number of the first entry of each row, and the number of entries after the last row. */
  starts: Uint32Array = new Uint32Array(initialCapacity + 1);

  constructor(type: LeafType) {
    this.type = type;
    this.values = scalarColumn(type.type);
  }

  get memoryBytes(): number {
    const { definition, repetition, starts, values } = this;
    return values.memoryBytes + definition.byteLength + repetition.byteLength + starts.byteLength;
  }

  usedBytes(rows: number): number {
    return this.values.usedBytes + 2 * this.values.rows + rows * this.starts.BYTES_PER_ELEMENT;
  }

  /** Sets the levels of the next entry, whose value or null is appended to `values` afterwards. */
  level(repetition: number, definition: number): void {
    const entry = this.values.rows;
    if (entry === this.definition.length) {
      this.definition = grown(new Uint8Array(2 * entry), this.definition, entry);
      this.repetition = grown(new Uint8Array(2 * entry), this.repetition, entry);
    }
    this.repetition[entry] = repetition;
    this.definition[entry] = definition;
  }

  /** Appends an entry without a value. */
  appendNull(repetition: number, definition: number): void {
    this.level(repetition, definition);
    this.values.appendNull();
  }

  reserve(rows: number, capacity: number): void {
    this.starts = grown(new Uint32Array(capacity + 1), this.starts, rows + 1);
  }
}
