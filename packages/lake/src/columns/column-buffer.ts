const initialRows = 1_024;

/**
 * What the buffers of all columns have. Values lie by row: row `r` has its slot whether or not it has a value, and where
 * `present[r]` is 0 the slot holds anything. All arrays are longer than `rows` and are replaced when they grow, so whoever
 * reads them takes them from the column after its last append.
 */
export abstract class ColumnBuffer {
  /** 1 for each row that has a value, 0 for each that has none. */
  present: Uint8Array = new Uint8Array(initialRows);
  /** Rows that are filled. A generated decoder sets it when its rows are complete. */
  rows = 0;

  /** How many rows there is room for. */
  get capacity(): number {
    return this.present.length;
  }

  /** What the column takes in memory, room that is not used yet included. */
  abstract get memoryBytes(): number;

  /** What of it is in use. */
  abstract get usedBytes(): number;

  /** Replaces the arrays of values by ones with `capacity` slots, the filled ones kept. */
  protected abstract resize(capacity: number): void;

  /** Makes room for `rows` rows in all, at least doubling. */
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

  /** Takes the rows from `rows` on back. */
  truncate(rows: number): void {
    this.rows = Math.min(this.rows, rows);
  }

  /** Empties the column for its next use and keeps its room. */
  clear(): void {
    this.rows = 0;
  }
}

type NumberArray = BigInt64Array | Float32Array | Float64Array | Int32Array | Uint8Array | Uint32Array;

/** `target` with the first `length` values of `source`. */
export function grown<Values extends NumberArray>(target: Values, source: Values, length: number): Values {
  (target as Uint8Array).set(source.subarray(0, length) as Uint8Array);
  return target;
}

export const initialCapacity = initialRows;
