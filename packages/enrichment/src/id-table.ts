import { hash } from 'node:crypto';

const wordsPerId = 4;
const maxLoad = 0.75;
const smallestSlots = 1024;
const empty = Number.NEGATIVE_INFINITY;

/**
 * Ids with a time each, in typed arrays: 24 bytes a slot, so 32 bytes an id when full and up to 64 right after growing.
 * An id is kept as the first 128 bits of its SHA-256: two ids that anyone could make are told apart. Open addressing with
 * linear probing (Knuth, The Art of Computer Programming, vol. 3, 6.4).
 */
export class IdTable {
  #words = new Uint32Array(wordsPerId * smallestSlots);
  #times = emptyTimes(smallestSlots);
  #used = 0;
  readonly #id = new Uint32Array(wordsPerId);
  #hashed: string | undefined;

  /** Slots in use, for ids whose time is over too. */
  get size(): number {
    return this.#used;
  }

  get bytes(): number {
    return this.#words.byteLength + this.#times.byteLength;
  }

  get isFull(): boolean {
    return this.#used >= maxLoad * this.#times.length;
  }

  /** The id's time; −∞ where it isn't there. */
  get(id: string): number {
    this.#hash(id);
    return this.#times[this.#slotOf(this.#id, 0)] as number;
  }

  /** Needs room: see {@link isFull}. */
  set(id: string, timeMs: number): void {
    this.#hash(id);
    this.#put(this.#id, 0, timeMs);
  }

  /** The times that are later than `floorMs`, in no order. */
  timesAfter(floorMs: number): Float64Array<ArrayBuffer> {
    return this.#times.filter((timeMs) => timeMs > floorMs);
  }

  /** Keeps the ids whose time is later than `floorMs`, with room for `ids` of them. */
  rebuild(floorMs: number, ids: number): void {
    const [words, times] = [this.#words, this.#times];
    const slots = Math.max(smallestSlots, Math.ceil(ids / maxLoad) + 1);
    this.#words = new Uint32Array(wordsPerId * slots);
    this.#times = emptyTimes(slots);
    this.#used = 0;
    for (let slot = 0; slot < times.length; slot++) {
      const timeMs = times[slot] as number;
      if (timeMs > floorMs) this.#put(words, slot * wordsPerId, timeMs);
    }
  }

  /** A check and the entry after it ask for the same id: it is hashed once. */
  #hash(id: string): void {
    if (id === this.#hashed) return;
    // As text, the digest comes without a Buffer to allocate: three times as fast.
    const digest = hash('sha256', id, 'binary');
    for (let word = 0, at = 0; word < wordsPerId; word++, at += 4) {
      this.#id[word] =
        digest.charCodeAt(at) |
        (digest.charCodeAt(at + 1) << 8) |
        (digest.charCodeAt(at + 2) << 16) |
        (digest.charCodeAt(at + 3) << 24);
    }
    this.#hashed = id;
  }

  #put(from: Uint32Array, at: number, timeMs: number): void {
    const slot = this.#slotOf(from, at);
    if (this.#times[slot] === empty) {
      this.#used += 1;
      for (let word = 0; word < wordsPerId; word++)
        this.#words[slot * wordsPerId + word] = from[at + word] as number;
    }
    this.#times[slot] = timeMs;
  }

  /** Where the id is, or the empty slot where it would be. */
  #slotOf(from: Uint32Array, at: number): number {
    const words = this.#words;
    const times = this.#times;
    const slots = times.length;
    let slot = Math.floor(((from[at] as number) / 2 ** 32) * slots);
    for (;;) {
      const found = slot * wordsPerId;
      if (
        times[slot] === empty ||
        (words[found] === from[at] &&
          words[found + 1] === from[at + 1] &&
          words[found + 2] === from[at + 2] &&
          words[found + 3] === from[at + 3])
      )
        return slot;
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
  }
}

const emptyTimes = (slots: number): Float64Array<ArrayBuffer> => new Float64Array(slots).fill(empty);
