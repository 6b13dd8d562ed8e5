/** Reads Kafka's variable-length integers (Protocol Buffers' zigzag encoding). @throws Error at the end of the bytes */
export class VarintReader {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new Error(`the bytes end at ${this.#bytes.length}, within a record`);
    this.at += 1;
    return byte;
  }

  /** Up to 5 bytes, 32 bits. */
  varint(): number {
    const first = this.#byte();
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let value = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const next = this.#byte();
      value |= (next & 0x7f) << shift;
      if (next >= 0x80) continue;
      if (shift === 28 && next > 0x0f) break;
      return (value >>> 1) ^ -(value & 1);
    }
    throw new Error(`the integer that ends at ${this.at} has more than 32 bits`);
  }

  /** Up to 10 bytes, 64 bits; rounded beyond 2^53. */
  varlong(): number {
    const first = this.#byte();
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let value = first & 0x7f;
    // 7 bytes are 49 bits, which a number holds exactly.
    for (let unit = 2 ** 7; unit < 2 ** 49; unit *= 2 ** 7) {
      const next = this.#byte();
      value += (next & 0x7f) * unit;
      if (next < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const next = this.#byte();
      large |= BigInt(next & 0x7f) << shift;
      if (next >= 0x80) continue;
      if (shift === 63n && next > 1) break;
      return Number((large >> 1n) ^ -(large & 1n));
    }
    throw new Error(`the integer that ends at ${this.at} has more than 64 bits`);
  }

  count(): number {
    const count = this.varint();
    if (count < 0) throw new Error(`the count that ends at ${this.at} is ${count}`);
    return count;
  }

  /** −1 means null. */
  length(): number {
    const length = this.varint();
    if (length < -1) throw new Error(`the length that ends at ${this.at} is ${length}`);
    return length;
  }

  /** Does nothing for −1. It may move beyond the end: the next read throws, and callers compare `at`. */
  skip(length: number): void {
    if (length > 0) this.at += length;
  }

  /** A view of bytes that follow their length. */
  bytes(): Buffer | null {
    const length = this.length();
    if (length === -1) return null;
    const start = this.at;
    this.skip(length);
    return this.#bytes.subarray(start, this.at);
  }
}
