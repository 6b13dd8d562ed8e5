/**
 * Arrays for the values of one column chunk, which the next chunk overwrites. Allocating them for each chunk would put load on
 * the garbage collector.
 */
export class ChunkBuffers {
  /** The definition level of each row: 1 where it has a value. */
  levels = new Uint8Array();
  /** The row numbers of the values that are not null. */
  rows = new Uint32Array();
  /** The values, or the codes of their entries: one or two 32-bit words each. */
  words = new Int32Array();
  /** 64-bit values as numbers. */
  numbers = new Float64Array();
  /** Dictionary indexes. */
  places = new Int32Array();

  /** Grows the arrays to the rows of a chunk. */
  reserve(rows: number): void {
    if (rows <= this.levels.length) return;
    this.levels = new Uint8Array(rows);
    this.rows = new Uint32Array(rows);
    this.words = new Int32Array(2 * rows);
    this.numbers = new Float64Array(rows);
    this.places = new Int32Array(rows);
  }
}
