import { ByteEntries, viewOf } from './byte-entries.ts';
import { ColumnBuffer, grown, initialCapacity } from './column-buffer.ts';

/**
 * Columns of type string (UTF-8), binary, and decimal of more than 18 digits (big-endian two's complement). The value of row `r` is the entry `codes[r]`. There may be unused entries:
 * truncated rows leave theirs.
 */
export class BytesColumn extends ColumnBuffer {
  readonly kind = 'bytes';
  codes: Int32Array = new Int32Array(initialCapacity);
  readonly entries: ByteEntries;
  /** The length of every value, for decimals. */
  readonly fixedBytes: number | undefined;

  constructor(isText: boolean, fixedBytes?: number) {
    super();
    this.fixedBytes = fixedBytes;
    this.entries = new ByteEntries(isText);
  }

  get memoryBytes(): number {
    return this.present.byteLength + this.codes.byteLength + this.entries.memoryBytes;
  }

  get usedBytes(): number {
    return this.rows * (1 + this.codes.BYTES_PER_ELEMENT) + this.entries.usedBytes;
  }

  append(value: string | Uint8Array): void {
    this.fill(value, 1);
  }

  /** Appends `count` rows with the same value, which share one entry. */
  fill(value: string | Uint8Array, count: number): void {
    const { rows } = this;
    this.reserve(rows + count);
    if (count > 0) this.codes.fill(this.codeOf(value), rows, rows + count);
    this.present.fill(1, rows, rows + count);
    this.rows = rows + count;
  }

  /** The code of the entry for this value. It is a new one when the column has no dictionary, or the value isn't in it. */
  codeOf(value: string | Uint8Array): number {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return this.entries.put(bytes, viewOf(bytes), 0, bytes.length);
  }

  override clear(): void {
    super.clear();
    this.entries.clear();
  }

  protected resize(capacity: number): void {
    this.codes = grown(new Int32Array(capacity), this.codes, this.rows);
  }
}
