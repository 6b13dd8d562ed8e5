import { isUtf8 } from 'node:buffer';
import { WindrowError } from '@windrow/runtime';
import { grown } from './column-buffer.ts';

/** A larger dictionary doesn't make a file smaller, and no longer fits the processor's cache. */
const maxDictionaryEntries = 65_536;
const maxDictionaryBytes = 2 ** 20;
/** After this many values the dictionary is given up if more than `trialEntries` of them are distinct. */
const trialValues = 16_384;
const trialEntries = (trialValues * 7) / 8;
/** A longer probe sequence doesn't occur by chance: a sender has chosen values whose hashes collide. */
const maxProbes = 128;
/** Small, because most columns have few distinct values and the tables of all columns share the processor's cache. */
const initialSlots = 64;
/** Offsets have 31 bits. */
const maxBytes = 2 ** 31 - 1;

/**
 * Byte strings in one array: entry `i` is `bytes` from `starts[i]` to `starts[i + 1]`. While `isDictionary` is true, equal
 * byte strings share an entry, which an open-addressing hash table finds. The dictionary is given up above 65,536 entries or
 * 1 MiB, when nearly all of the first 16,384 values are distinct, and when hashes collide too often. From then on every value
 * gets an entry of its own; codes that were returned before stay valid.
 */
export class ByteEntries {
  bytes: Uint8Array = new Uint8Array(4_096);
  starts: Uint32Array = new Uint32Array(initialSlots + 1);
  count = 0;
  isDictionary = true;
  /** Entries are UTF-8. Invalid sequences are replaced by U+FFFD, as a decoder to JavaScript strings does it. */
  readonly isText: boolean;
  private view = viewOf(this.bytes);
  /** Entry + 1, or 0 where a slot is free. */
  private slots = new Int32Array(initialSlots);
  /** The hash of each entry. */
  private hashes = new Int32Array(initialSlots);
  private puts = 0;

  constructor(isText: boolean) {
    this.isText = isText;
  }

  get memoryBytes(): number {
    return this.bytes.byteLength + this.starts.byteLength + this.slots.byteLength + this.hashes.byteLength;
  }

  /** Bytes in use: the entries, their starts and, while there is a dictionary, their hashes and slots. */
  get usedBytes(): number {
    return this.starts[this.count]! + this.count * (this.isDictionary ? 16 : 4);
  }

  /**
   * Stores the bytes of `source` from `start` to `end` and returns the code of their entry. They are copied unless an entry
   * has them already.
   * @param view of all bytes of `source`
   */
  put(source: Uint8Array, view: DataView, start: number, end: number): number {
    if (!this.isDictionary) {
      const code = this.append(source, view, start, end);
      return code >= 0 ? code : this.putReplaced(source, start, end);
    }
    const hash = hashOf(source, view, start, end);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    let probes = 0;
    for (let found = this.slots[slot]!; found !== 0; found = this.slots[slot]!) {
      const code = found - 1;
      if (this.hashes[code] === hash && this.equals(code, source, view, start, end)) {
        this.puts++;
        return code;
      }
      slot = (slot + 1) & mask;
      probes++;
    }
    const code = this.append(source, view, start, end);
    if (code < 0) return this.putReplaced(source, start, end);
    this.puts++;
    this.remember(code, hash, slot, probes);
    return code;
  }

  /** The bytes of an entry: a view, valid until the next `put`. */
  entry(code: number): Uint8Array {
    return this.bytes.subarray(this.starts[code], this.starts[code + 1]);
  }

  /** Removes all entries, keeps the allocated memory, and starts with a dictionary again. */
  clear(): void {
    this.count = 0;
    this.puts = 0;
    if (this.slots.length === 0) {
      this.slots = new Int32Array(initialSlots);
      this.hashes = new Int32Array(initialSlots);
    } else {
      this.slots.fill(0);
    }
    this.isDictionary = true;
  }

  private equals(code: number, source: Uint8Array, view: DataView, start: number, end: number): boolean {
    const from = this.starts[code]!;
    const length = end - start;
    if (this.starts[code + 1]! - from !== length) return false;
    const entries = this.view;
    if (length < 4) {
      for (let at = 0; at < length; at++) if (this.bytes[from + at] !== source[start + at]) return false;
      return true;
    }
    if (length < 8) {
      const last = length - 4;
      return (
        entries.getInt32(from, true) === view.getInt32(start, true) &&
        entries.getInt32(from + last, true) === view.getInt32(start + last, true)
      );
    }
    const last = length - 8;
    for (let at = 0; at < last; at += 8) {
      if (entries.getBigInt64(from + at, true) !== view.getBigInt64(start + at, true)) return false;
    }
    return entries.getBigInt64(from + last, true) === view.getBigInt64(start + last, true);
  }

  private putReplaced(source: Uint8Array, start: number, end: number): number {
    const text = Buffer.from(source.buffer, source.byteOffset + start, end - start).toString();
    const replaced = Buffer.from(text);
    return this.put(replaced, viewOf(replaced), 0, replaced.length);
  }

  /** @returns the entry's code, or -1 when the bytes should be UTF-8 and are not */
  private append(source: Uint8Array, view: DataView, start: number, end: number): number {
    const code = this.count;
    if (code + 1 >= this.starts.length) {
      this.starts = grown(new Uint32Array(2 * this.starts.length), this.starts, code + 1);
    }
    const from = this.starts[code]!;
    const to = from + end - start;
    if (to > this.bytes.length) this.reserve(from, to);
    const isAscii = copyBytes(this.bytes, this.view, from, source, view, start, end);
    if (!isAscii && this.isText && !isUtf8(this.bytes.subarray(from, to))) return -1;
    this.starts[code + 1] = to;
    this.count = code + 1;
    return code;
  }

  private remember(code: number, hash: number, slot: number, probes: number): void {
    const { count } = this;
    const isVaried = count > trialEntries && this.puts <= trialValues;
    if (
      isVaried ||
      count > maxDictionaryEntries ||
      this.starts[count]! > maxDictionaryBytes ||
      probes > maxProbes
    ) {
      this.isDictionary = false;
      this.slots = this.hashes = new Int32Array(0);
      return;
    }
    if (code >= this.hashes.length) {
      this.hashes = grown(new Int32Array(2 * this.hashes.length), this.hashes, code);
    }
    this.hashes[code] = hash;
    this.slots[slot] = count;
    if (2 * count > this.slots.length) this.rehash();
  }

  private rehash(): void {
    const slots = new Int32Array(2 * this.slots.length);
    const mask = slots.length - 1;
    for (let code = 0; code < this.count; code++) {
      let slot = this.hashes[code]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = code + 1;
    }
    this.slots = slots;
  }

  private reserve(used: number, needed: number): void {
    if (needed > maxBytes) {
      const message = 'a column has more than 2 GiB of text or bytes: make smaller micro-batches';
      throw new WindrowError('ENCODE_FAILED', message);
    }
    const capacity = Math.min(maxBytes, Math.max(needed, 2 * this.bytes.length));
    this.bytes = grown(new Uint8Array(capacity), this.bytes, used);
    this.view = viewOf(this.bytes);
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** For longer byte strings `set` is faster than the loop. */
const loopedBytes = 512;
const highBits = 0x8080_8080 | 0;

/**
 * Copies word by word; the last word overlaps the one before. The target must have room. V8 keeps 64-bit words that are only
 * read, written or compared in registers, and allocates no BigInt for them.
 * @returns whether all bytes are ASCII; false also for long byte strings, which are not checked
 */
export function copyBytes(
  target: Uint8Array,
  targetView: DataView,
  to: number,
  source: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): boolean {
  const length = end - start;
  let seen = 0;
  if (length < 4) {
    for (let at = 0; at < length; at++) {
      const byte = source[start + at]!;
      seen |= byte;
      target[to + at] = byte;
    }
    return (seen & 0x80) === 0;
  }
  if (length > loopedBytes) {
    target.set(source.subarray(start, end), to);
    return false;
  }
  if (length < 8) {
    seen = view.getInt32(start, true);
    targetView.setInt32(to, seen, true);
    const word = view.getInt32(end - 4, true);
    targetView.setInt32(to + length - 4, word, true);
    return ((seen | word) & highBits) === 0;
  }
  const last = length - 8;
  for (let at = 0; at < last; at += 8) {
    targetView.setBigInt64(to + at, view.getBigInt64(start + at, true), true);
    seen |= view.getInt32(start + at, true) | view.getInt32(start + at + 4, true);
  }
  targetView.setBigInt64(to + last, view.getBigInt64(end - 8, true), true);
  seen |= view.getInt32(end - 8, true) | view.getInt32(end - 4, true);
  return (seen & highBits) === 0;
}

/** Hashes 32-bit words; the last word overlaps the one before. */
function hashOf(source: Uint8Array, view: DataView, start: number, end: number): number {
  const length = end - start;
  let hash = length;
  if (length < 4) {
    for (let at = start; at < end; at++) hash = (hash << 8) | source[at]!;
  } else {
    const last = end - 4;
    for (let at = start; at < last; at += 4) hash = Math.imul(hash ^ view.getInt32(at, true), multiplier);
    hash = Math.imul(hash ^ view.getInt32(last, true), multiplier);
  }
  // The high bits of a product depend on all bits of its factors, its low bits don't.
  hash = Math.imul(hash ^ (hash >>> 15), multiplier);
  return hash ^ (hash >>> 15);
}

/** Of Knuth's multiplicative hashing: 2^32 divided by the golden ratio. */
const multiplier = 0x9e37_79b1;
