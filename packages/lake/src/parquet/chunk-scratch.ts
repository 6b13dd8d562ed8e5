/**
 * Arrays for the values of a column chunk, overwritten by the next one: made anew for each, they would pile up until the
 * garbage collector comes.
 */
export class ChunkScratch {
  /** Of each row: 1 where it has a value. */
  readonly levels: Uint8Array;
  /** Numbers of rows that have a value. */
  readonly rows: Uint32Array;
  /** Values as they are stored, or the codes of their entries: up to two words of 32 bits each. */
  readonly words: Int32Array<ArrayBuffer>;
  /** 64-bit values as numbers. */
  readonly numbers: Float64Array;
  /** Places in a dictionary. */
  readonly places: Int32Array;

  /** @param rows of the largest chunk */
  constructor(rows: number) {
    this.levels = new Uint8Array(rows);
    this.rows = new Uint32Array(rows);
    this.words = new Int32Array(2 * rows);
    this.numbers = new Float64Array(rows);
    this.places = new Int32Array(rows);
  }
}
