import { ColumnBuffer, grown, initialCapacity } from './column-buffer.ts';

abstract class NumberColumn<Values extends Float32Array | Float64Array | Int32Array> extends ColumnBuffer {
  values: Values;
  private readonly allocate: (length: number) => Values;

  constructor(allocate: (length: number) => Values) {
    super();
    this.allocate = allocate;
    this.values = allocate(initialCapacity);
  }

  get memoryBytes(): number {
    return this.present.byteLength + this.values.byteLength;
  }

  get usedBytes(): number {
    return this.rows * (1 + this.values.BYTES_PER_ELEMENT);
  }

  append(value: number): void {
    this.fill(value, 1);
  }

  /** Appends `count` rows with the same value. */
  fill(value: number, count: number): void {
    const { rows } = this;
    this.reserve(rows + count);
    this.values.fill(value, rows, rows + count);
    this.present.fill(1, rows, rows + count);
    this.rows = rows + count;
  }

  protected resize(capacity: number): void {
    this.values = grown(this.allocate(capacity), this.values, this.rows);
  }
}

/** Columns of type integer and date. */
export class Int32Column extends NumberColumn<Int32Array> {
  readonly kind = 'int32';

  constructor() {
    super((length) => new Int32Array(length));
  }
}

/** Columns of type double. */
export class Float64Column extends NumberColumn<Float64Array> {
  readonly kind = 'float64';

  constructor() {
    super((length) => new Float64Array(length));
  }
}

/** Columns of type float. */
export class Float32Column extends NumberColumn<Float32Array> {
  readonly kind = 'float32';

  constructor() {
    super((length) => new Float32Array(length));
  }
}

/** Columns of type boolean; 1 is true. */
export class BooleanColumn extends ColumnBuffer {
  readonly kind = 'boolean';
  values: Uint8Array = new Uint8Array(initialCapacity);

  get memoryBytes(): number {
    return this.present.byteLength + this.values.byteLength;
  }

  get usedBytes(): number {
    return this.rows * (1 + this.values.BYTES_PER_ELEMENT);
  }

  append(value: boolean): void {
    this.fill(value, 1);
  }

  /** Appends `count` rows with the same value. */
  fill(value: boolean, count: number): void {
    const { rows } = this;
    this.reserve(rows + count);
    this.values.fill(value ? 1 : 0, rows, rows + count);
    this.present.fill(1, rows, rows + count);
    this.rows = rows + count;
  }

  protected resize(capacity: number): void {
    this.values = grown(new Uint8Array(capacity), this.values, this.rows);
  }
}

const two32 = 2 ** 32;

/** Columns of type long and timestamp (epoch microseconds). */
export class Int64Column extends ColumnBuffer {
  readonly kind = 'int64';
  values: BigInt64Array = new BigInt64Array(initialCapacity);
  /** The same memory as 32-bit halves: of row `r`, the low half at `2 * r`, the high half at `2 * r + 1` (little-endian, as x64 and ARM). */
  halves: Int32Array = new Int32Array(this.values.buffer);

  get memoryBytes(): number {
    return this.present.byteLength + this.values.byteLength;
  }

  get usedBytes(): number {
    return this.rows * (1 + this.values.BYTES_PER_ELEMENT);
  }

  /** @param value a safe integer, or any 64-bit integer as a bigint */
  append(value: number | bigint): void {
    this.fill(value, 1);
  }

  /** Appends `count` rows with the same value. */
  fill(value: number | bigint, count: number): void {
    const { rows } = this;
    this.reserve(rows + count);
    const { halves, present, values } = this;
    if (typeof value === 'bigint') {
      values.fill(value, rows, rows + count);
      present.fill(1, rows, rows + count);
    } else {
      const high = Math.floor(value / two32);
      for (let row = rows; row < rows + count; row++) {
        halves[2 * row] = value - high * two32;
        halves[2 * row + 1] = high;
        present[row] = 1;
      }
    }
    this.rows = rows + count;
  }

  /** The value of a row, rounded beyond 2^53. It doesn't check whether the row is null. */
  numberAt(row: number): number {
    return this.halves[2 * row + 1]! * two32 + (this.halves[2 * row]! >>> 0);
  }

  /** The time of a row of a timestamp column in epoch milliseconds, rounded down. It doesn't check whether the row is null. */
  millisAt(row: number): number {
    const high = this.halves[2 * row + 1]!;
    // The remainder keeps the dividend below 2^53, so the division is exact.
    const thousands = Math.floor(high / 1_000);
    const rest = (high - thousands * 1_000) * two32 + (this.halves[2 * row]! >>> 0);
    return thousands * two32 + Math.floor(rest / 1_000);
  }

  protected resize(capacity: number): void {
    this.values = grown(new BigInt64Array(capacity), this.values, this.rows);
    this.halves = new Int32Array(this.values.buffer);
  }
}
