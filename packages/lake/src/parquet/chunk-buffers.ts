/**
 * Arrays for the values of a column chunk, overwritten by the next one: made anew for each, they would pile up until the
 * garbage collector comes.
 */
export class ChunkBuffers {
  /** Of each row: 1 where it has a value. */
  levels = new Uint8Array();
  /** Numbers of rows that have a value. */
  rows = new Uint32Array();
  /** Values as they are stored, or the codes of their entries: up to two words of 32 bits each. */
  words = new Int32Array();
  /** 64-bit values as numbers. */
  numbers = new Float64Array();
  /** Places in a dictionary. */
  places = new Int32Array();

  /** Makes room for the rows of a chunk. */
  reserve(rows: number): void {
    if (rows <= this.levels.length) return;
    this.levels = new Uint8Array(rows);
    this.rows = new Uint32Array(rows);
    this.words = new Int32Array(2 * rows);
    this.numbers = new Float64Array(rows);
    this.places = new Int32Array(rows);
  }
}
