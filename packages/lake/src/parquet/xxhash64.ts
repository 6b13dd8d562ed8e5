/**
 * XXH64 with seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), as Parquet's Bloom filters need it.
 * Each 64-bit number is two variables with 32-bit words. BigInts would be a third faster, but their garbage costs more.
 */

// The primes of the specification: high word, low word.
const p1h = 0x9e3779b1 | 0;
const p1l = 0x85ebca87 | 0;
const p2h = 0xc2b2ae3d | 0;
const p2l = 0x27d4eb4f;
const p3h = 0x165667b1;
const p3l = 0x9e3779f9 | 0;
const p4h = 0x85ebca77 | 0;
const p4l = 0xc2b2ae63 | 0;
const p5h = 0x27d4eb2f;
const p5l = 0x165667c5;

/** Initial states of the four lanes: prime1 + prime2, prime2, 0, −prime1. */
const firstHighs = Int32Array.of(0x60ea27ee, p2h, 0, 0x61c8864e);
const firstLows = Int32Array.of(0xadc0b5d6, p2l, 0, 0x7a143579);
const laneRotations = Int32Array.of(1, 7, 12, 18);
const laneHighs = new Int32Array(4);
const laneLows = new Int32Array(4);

/** Hashes `bytes` from `start` to `end`. @param hash receives the hash's low word and its high word */
export function xxHash64(bytes: Uint8Array, start: number, end: number, hash: Int32Array): void {
  let at = start;
  if (end - start >= 32) {
    at = hashStripes(bytes, start, end, hash);
  } else {
    hash[0] = p5l;
    hash[1] = p5h;
  }
  let low = sumLow(hash[0]!, end - start);
  let high = sumHigh(hash[0]!, hash[1]!, end - start, 0);
  for (; at + 8 <= end; at += 8) {
    const inLow = word(bytes, at);
    const inHigh = word(bytes, at + 4);
    const mixLow = roundLow(0, 0, inLow, inHigh);
    const mixHigh = roundHigh(0, 0, inLow, inHigh);
    low ^= mixLow;
    high ^= mixHigh;
    const turnedLow = (low << 27) | (high >>> 5);
    const turnedHigh = (high << 27) | (low >>> 5);
    const timesLow = Math.imul(turnedLow, p1l);
    const timesHigh = productHigh(turnedLow, turnedHigh, p1l, p1h);
    low = sumLow(timesLow, p4l);
    high = sumHigh(timesLow, timesHigh, p4l, p4h);
  }
  if (at + 4 <= end) {
    const four = word(bytes, at);
    low ^= Math.imul(four, p1l);
    high ^= productHigh(four, 0, p1l, p1h);
    const turnedLow = (low << 23) | (high >>> 9);
    const turnedHigh = (high << 23) | (low >>> 9);
    const timesLow = Math.imul(turnedLow, p2l);
    const timesHigh = productHigh(turnedLow, turnedHigh, p2l, p2h);
    low = sumLow(timesLow, p3l);
    high = sumHigh(timesLow, timesHigh, p3l, p3h);
    at += 4;
  }
  for (; at < end; at++) {
    low ^= Math.imul(bytes[at]!, p5l);
    high ^= productHigh(bytes[at]!, 0, p5l, p5h);
    const turnedLow = (low << 11) | (high >>> 21);
    const turnedHigh = (high << 11) | (low >>> 21);
    low = Math.imul(turnedLow, p1l);
    high = productHigh(turnedLow, turnedHigh, p1l, p1h);
  }
  low ^= high >>> 1;
  high = productHigh(low, high, p2l, p2h);
  low = Math.imul(low, p2l);
  low ^= (low >>> 29) | (high << 3);
  high ^= high >>> 29;
  high = productHigh(low, high, p3l, p3h);
  low = Math.imul(low, p3l);
  hash[0] = low ^ high;
  hash[1] = high;
}

/** Stripes of 32 bytes, in four lanes. @returns where the last of them ends */
function hashStripes(bytes: Uint8Array, start: number, end: number, hash: Int32Array): number {
  let at = start;
  laneHighs.set(firstHighs);
  laneLows.set(firstLows);
  for (; at + 32 <= end; at += 32) {
    for (let lane = 0; lane < 4; lane++) {
      const inLow = word(bytes, at + 8 * lane);
      const inHigh = word(bytes, at + 8 * lane + 4);
      const low = laneLows[lane]!;
      const high = laneHighs[lane]!;
      laneLows[lane] = roundLow(low, high, inLow, inHigh);
      laneHighs[lane] = roundHigh(low, high, inLow, inHigh);
    }
  }
  let low = 0;
  let high = 0;
  for (let lane = 0; lane < 4; lane++) {
    const bits = laneRotations[lane]!;
    const turnedLow = (laneLows[lane]! << bits) | (laneHighs[lane]! >>> (32 - bits));
    const turnedHigh = (laneHighs[lane]! << bits) | (laneLows[lane]! >>> (32 - bits));
    high = sumHigh(low, high, turnedLow, turnedHigh);
    low = sumLow(low, turnedLow);
  }
  for (let lane = 0; lane < 4; lane++) {
    const mixedLow = low ^ roundLow(0, 0, laneLows[lane]!, laneHighs[lane]!);
    const mixedHigh = high ^ roundHigh(0, 0, laneLows[lane]!, laneHighs[lane]!);
    const timesLow = Math.imul(mixedLow, p1l);
    const timesHigh = productHigh(mixedLow, mixedHigh, p1l, p1h);
    low = sumLow(timesLow, p4l);
    high = sumHigh(timesLow, timesHigh, p4l, p4h);
  }
  hash[0] = low;
  hash[1] = high;
  return at;
}

/** A lane's next state: (state + input × prime2), rotated by 31 bits, × prime1. */
function roundLow(low: number, high: number, inLow: number, inHigh: number): number {
  const timesLow = Math.imul(inLow, p2l);
  const sum = sumLow(low, timesLow);
  const sumH = sumHigh(low, high, timesLow, productHigh(inLow, inHigh, p2l, p2h));
  return Math.imul((sum << 31) | (sumH >>> 1), p1l);
}

function roundHigh(low: number, high: number, inLow: number, inHigh: number): number {
  const timesLow = Math.imul(inLow, p2l);
  const sum = sumLow(low, timesLow);
  const sumH = sumHigh(low, high, timesLow, productHigh(inLow, inHigh, p2l, p2h));
  return productHigh((sum << 31) | (sumH >>> 1), (sumH << 31) | (sum >>> 1), p1l, p1h);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function sumLow(left: number, right: number): number {
  return (left + right) | 0;
}

function sumHigh(leftLow: number, leftHigh: number, rightLow: number, rightHigh: number): number {
  const carry = (leftLow + rightLow) >>> 0 < leftLow >>> 0 ? 1 : 0;
  return (leftHigh + rightHigh + carry) | 0;
}

/** The high word of the product's lower 64 bits; that of the low words is put together of products of 16 bits each. */
function productHigh(leftLow: number, leftHigh: number, rightLow: number, rightHigh: number): number {
  const left0 = leftLow & 0xffff;
  const left1 = leftLow >>> 16;
  const right0 = rightLow & 0xffff;
  const right1 = rightLow >>> 16;
  const middle = (Math.imul(left1, right0) >>> 0) + (Math.imul(left0, right0) >>> 16);
  const middle2 = (Math.imul(left0, right1) >>> 0) + (middle & 0xffff);
  const lows = Math.imul(left1, right1) + (middle >>> 16) + (middle2 >>> 16);
  return (lows + Math.imul(leftLow, rightHigh) + Math.imul(leftHigh, rightLow)) | 0;
}
