const initialRows = 1_024;

/**
 * Base class of the buffers of all columns. Each row has a slot in the arrays; where `present[r]` is 0, row `r` is null and
 * its slot holds an arbitrary value. Arrays are longer than `rows` and are replaced when they grow. So readers must take the
 * arrays from the column after the last append.
 */
export abstract class ColumnBuffer {
  /** 1 for each row with a value, 0 for each null. */
  present: Uint8Array = new Uint8Array(initialRows);
  /** Number of rows. A generated decoder sets it after it has filled all columns. */
  rows = 0;

  /** The number of rows that fit without growing. */
  get capacity(): number {
    return this.present.length;
  }

  /** Allocated memory, unused capacity included. */
  abstract get memoryBytes(): number;

  /** The part of `memoryBytes` that is in use. */
  abstract get usedBytes(): number;

  /** Replaces the arrays of values by ones with `capacity` slots, and copies the values. */
  protected abstract resize(capacity: number): void;

  /** Grows the arrays to at least `rows` rows; capacity at least doubles. */
  reserve(rows: number): void {
    if (rows <= this.present.length) return;
    const capacity = Math.max(rows, 2 * this.present.length);
    this.present = grown(new Uint8Array(capacity), this.present, this.rows);
    this.resize(capacity);
  }

  appendNull(): void {
    this.appendNulls(1);
  }

  appendNulls(count: number): void {
    this.reserve(this.rows + count);
    this.present.fill(0, this.rows, this.rows + count);
    this.rows += count;
  }

  /** Removes the rows from number `rows` on. */
  truncate(rows: number): void {
    this.rows = Math.min(this.rows, rows);
  }

  /** Removes all rows and keeps the allocated memory. */
  clear(): void {
    this.rows = 0;
  }
}

type NumberArray = BigInt64Array | Float32Array | Float64Array | Int32Array | Uint8Array | Uint32Array;

/** Copies the first `length` values of `source` to `target`, and returns `target`. */
export function grown<Values extends NumberArray>(target: Values, source: Values, length: number): Values {
  (target as Uint8Array).set(source.subarray(0, length) as Uint8Array);
  return target;
}

export const initialCapacity = initialRows;
