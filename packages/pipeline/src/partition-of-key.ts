const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

/** The partition that Kafka's clients choose by default for a key: its murmur2 hash. */
export function partitionOfKey(key: Buffer | string, partitions: number): number {
  const hash = typeof key === 'string' ? murmur2OfText(key) : murmur2(key, key.length);
  return (hash & 0x7fffffff) % partitions;
}

/** Most keys are short, and a buffer for each would be allocated. */
const scratch = Buffer.allocUnsafe(1024);

function murmur2OfText(text: string): number {
  // A UTF-16 unit has up to three bytes in UTF-8.
  if (3 * text.length > scratch.length) return murmur2(Buffer.from(text), Buffer.byteLength(text));
  return murmur2(scratch, scratch.write(text));
}

/** Signed 32-bit MurmurHash2 (Austin Appleby, public domain), with the seed of Kafka's clients. */
function murmur2(bytes: Buffer, length: number): number {
  let hash = seed ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const four =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    let word = Math.imul(four, multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  if (at < length) {
    for (let rest = length - 1; rest >= at; rest--) hash ^= (bytes[rest] as number) << (8 * (rest - at));
    hash = Math.imul(hash, multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}
