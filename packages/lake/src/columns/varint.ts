/**
 * Avro's ints and longs: zigzag, then seven bits a byte, the lowest first (Avro 1.12, "Primitive Types" of the binary
 * encoding). All functions read at `pos` and return the position of the next value, or -1 when the varint is longer than its
 * type allows. They may read past a record's end, and read bytes past the end of the source as 0. The caller must check
 * afterwards that the position is within the record.
 */

/** Reads an int of 32 bits into `values[row]`. */
export function readInt(source: Uint8Array, pos: number, values: Int32Array, row: number): number {
  let at = pos;
  let byte = source[at++]!;
  let raw = byte & 0x7f;
  for (let shift = 7; (byte & 0x80) !== 0; shift += 7) {
    byte = source[at++]!;
    if (shift === 28 && byte > 0x0f) return -1;
    raw |= (byte & 0x7f) << shift;
  }
  values[row] = (raw >>> 1) ^ -(raw & 1);
  return at;
}

/** Reads a long of 64 bits: its low half into `halves[2 * row]`, its high half into `halves[2 * row + 1]`. */
export function readLong(source: Uint8Array, pos: number, halves: Int32Array, row: number): number {
  let at = pos;
  let byte = source[at++]!;
  let low = byte & 0x7f;
  for (let shift = 7; (byte & 0x80) !== 0 && shift < 28; shift += 7) {
    byte = source[at++]!;
    low |= (byte & 0x7f) << shift;
  }
  let high = 0;
  if ((byte & 0x80) !== 0) {
    let middle = 0;
    for (let shift = 0; (byte & 0x80) !== 0 && shift < 28; shift += 7) {
      byte = source[at++]!;
      middle |= (byte & 0x7f) << shift;
    }
    low |= middle << 28;
    high = middle >>> 4;
    if ((byte & 0x80) !== 0) {
      byte = source[at++]!;
      high |= (byte & 0x7f) << 24;
      if ((byte & 0x80) !== 0) {
        byte = source[at++]!;
        if (byte > 1) return -1;
        high |= byte << 31;
      }
    }
  }
  const sign = -(low & 1);
  halves[2 * row] = ((low >>> 1) | (high << 31)) ^ sign;
  halves[2 * row + 1] = (high >>> 1) ^ sign;
  return at;
}

/** Reads a long of milliseconds like {@link readLong}, and stores it as microseconds. Returns -1 also when they have more than 64 bits. */
export function readLongMillis(source: Uint8Array, pos: number, halves: Int32Array, row: number): number {
  const next = readLong(source, pos, halves, row);
  // Each product is below 2^53.
  const low = (halves[2 * row]! >>> 0) * 1_000;
  const high = halves[2 * row + 1]! * 1_000 + Math.floor(low / 2 ** 32);
  if (high !== (high | 0)) return -1;
  halves[2 * row] = low;
  halves[2 * row + 1] = high;
  return next;
}

/** Reads an int of milliseconds into a row of longs, and stores it as microseconds. */
export function readIntMillis(source: Uint8Array, pos: number, halves: Int32Array, row: number): number {
  const next = readInt(source, pos, halves, 2 * row);
  const us = halves[2 * row]! * 1_000;
  halves[2 * row] = us;
  halves[2 * row + 1] = Math.floor(us / 2 ** 32);
  return next;
}
