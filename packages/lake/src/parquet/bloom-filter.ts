import { optimalNumBytes } from 'hyparquet-writer/src/bloom.js';
import { xxHash64 } from './xxhash64.ts';

/** The false positive rate. */
const falsePositiveShare = 0.01;
/** parquet-java's default. With more values than it is made for, the false positive rate rises. */
const maxFilterBytes = 2 ** 20;
const blockWords = 8;
const salts = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b | 0,
  0xa2b7289d | 0,
  0x705495c7,
  0x2df1424b,
  0x9efc4947 | 0,
  0x5c6bfb31,
);

const hash = new Int32Array(2);

/**
 * A split block Bloom filter (https://github.com/apache/parquet-format/blob/master/BloomFilter.md) of byte arrays, sized
 * for the given number of distinct values.
 */
export class BloomFilter {
  /** Blocks of eight words, in the file's format. */
  readonly words: Uint32Array;

  constructor(distinctValues: number) {
    const bytes = Math.min(optimalNumBytes(distinctValues, falsePositiveShare), maxFilterBytes);
    this.words = new Uint32Array(bytes / 4);
  }

  /** Adds the value in `bytes` from `start` to `end`. */
  add(bytes: Uint8Array, start: number, end: number): void {
    xxHash64(bytes, start, end, hash);
    const { words } = this;
    // The hash's high word, scaled to the number of blocks: a product of up to 2^47, which a number holds.
    const block = Math.floor(((hash[1]! >>> 0) * (words.length / blockWords)) / 2 ** 32) * blockWords;
    for (let word = 0; word < blockWords; word++) {
      words[block + word]! |= 1 << (Math.imul(hash[0]!, salts[word]!) >>> 27);
    }
  }
}
