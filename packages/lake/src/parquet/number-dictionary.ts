import { type Dictionary, maxDictionaryEntries, placeBits } from './dictionary.ts';

/** Plain pages are smaller when a larger share of the values is distinct. */
const maxShare = 1 / 4;
/** After this many values each, the dictionary is given up if too many are distinct. */
const trialValues = 4_096;
const initialSlots = 1_024;

/**
 * A dictionary of values of one or two 32-bit words. It compares bits, so 0 and -0 are two values. Undefined when it doesn't
 * make the chunk smaller; when all values are distinct that is found early.
 * @param words the words of all values
 * @param into receives the dictionary index of each value
 */
export function numberDictionary(
  words: Int32Array,
  wordsPerValue: 1 | 2,
  into: Int32Array,
): Dictionary | undefined {
  const values = words.length / wordsPerValue;
  const places = into.subarray(0, values);
  let entries = new Int32Array(initialSlots);
  /** Entry + 1, or 0 for a free slot. */
  let slots = new Int32Array(initialSlots);
  let count = 0;
  for (let at = 0; at < values; at++) {
    const low = words[at * wordsPerValue]!;
    const high = wordsPerValue === 2 ? words[at * 2 + 1]! : 0;
    const mask = slots.length - 1;
    let slot = hashOf(low, high) & mask;
    let place = slots[slot]! - 1;
    while (place >= 0 && !(entries[2 * place] === low && entries[2 * place + 1] === high)) {
      slot = (slot + 1) & mask;
      place = slots[slot]! - 1;
    }
    if (place < 0) {
      if (count === maxDictionaryEntries) return undefined;
      place = count++;
      entries[2 * place] = low;
      entries[2 * place + 1] = high;
      slots[slot] = count;
      if (2 * count >= slots.length) {
        entries = doubled(entries);
        slots = rehashed(entries, count, 2 * slots.length);
      }
    }
    places[at] = place;
    if ((at + 1) % trialValues === 0 && count > maxShare * (at + 1)) return undefined;
  }
  if (count > Math.max(1, maxShare * values)) return undefined;
  return {
    count,
    places,
    bitWidth: placeBits(count),
    appendEntries: (page) => {
      const stored = entries.subarray(0, 2 * count);
      page.append(wordsPerValue === 2 ? stored : stored.filter((_, index) => index % 2 === 0));
    },
  };
}

function hashOf(low: number, high: number): number {
  const product = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1);
  return product ^ (product >>> 15);
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * array.length);
  grown.set(array);
  return grown;
}

function rehashed(entries: Int32Array, count: number, size: number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(size);
  for (let place = 0; place < count; place++) {
    let slot = hashOf(entries[2 * place]!, entries[2 * place + 1]!) & (size - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = place + 1;
  }
  return slots;
}
