import type { PageBuffer } from './page-buffer.ts';

const blockValues = 128;
const miniblocks = 4;
const miniblockValues = blockValues / miniblocks;
/** Bits that are packed at once: together with up to seven pending bits they fit into 32. */
const pieceBits = 24;
const piece = 2 ** pieceBits;

const deltas = new Float64Array(blockValues);

/**
 * Up to this absolute value and this range, the values, their deltas and the deltas' differences are exact in doubles, also with
 * their sign as the lowest bit.
 */
export const deltaLimits = {
  long: { value: 2 ** 52, range: 2 ** 51 },
  integer: { value: 2 ** 30, range: 2 ** 30 },
};

/**
 * DELTA_BINARY_PACKED (parquet-format, Encodings.md): deltas minus the minimum of their block of 128, bit-packed with the width
 * that the largest of each miniblock of 32 needs.
 * @param values integers within {@link deltaLimits}
 */
export function appendDeltas(
  page: PageBuffer,
  values: Float64Array | Int32Array,
  from: number,
  to: number,
): void {
  page.reserve(24);
  page.appendVarint(blockValues);
  page.appendVarint(miniblocks);
  page.appendVarint(to - from);
  appendZigzag(page, from < to ? values[from]! : 0);
  for (let start = from + 1; start < to; start += blockValues) {
    appendBlock(page, values, start, Math.min(to, start + blockValues));
  }
}

/** The number of blocks from which the size is estimated. */
const sampledBlocks = 16;

/** The average bits per value, estimated from a sample of blocks. */
export function deltaBits(values: Float64Array | Int32Array): number {
  const blocks = Math.ceil((values.length - 1) / blockValues);
  const step = Math.max(1, Math.floor(blocks / sampledBlocks));
  let bits = 0;
  let counted = 0;
  for (let block = 0; block < blocks; block += step) {
    const start = 1 + block * blockValues;
    const end = Math.min(values.length, start + blockValues);
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let index = start; index < end; index++) {
      const delta = values[index]! - values[index - 1]!;
      if (delta < least) least = delta;
      if (delta > most) most = delta;
    }
    bits += (end - start) * bitsOf(most - least) + 8 * (miniblocks + 4);
    counted += end - start;
  }
  return counted === 0 ? Number.POSITIVE_INFINITY : bits / counted;
}

function appendBlock(page: PageBuffer, values: Float64Array | Int32Array, start: number, end: number): void {
  let least = Number.POSITIVE_INFINITY;
  for (let index = start; index < end; index++) {
    const delta = values[index]! - values[index - 1]!;
    deltas[index - start] = delta;
    if (delta < least) least = delta;
  }
  page.reserve(16 + blockValues * 8);
  appendZigzag(page, least);
  const count = end - start;
  const widthsAt = page.length;
  page.length += miniblocks;
  for (let miniblock = 0; miniblock < miniblocks; miniblock++) {
    const first = miniblock * miniblockValues;
    let most = 0;
    for (let index = first; index < Math.min(count, first + miniblockValues); index++) {
      const above = deltas[index]! - least;
      if (above > most) most = above;
    }
    const width = bitsOf(most);
    page.buffer[widthsAt + miniblock] = width;
    if (width > 0) packMiniblock(page, first, count, least, width);
  }
}

/** A miniblock is padded to its full size when the values end within it. */
function packMiniblock(page: PageBuffer, first: number, count: number, least: number, width: number): void {
  const { buffer } = page;
  let at = page.length;
  let bits = 0;
  let bitCount = 0;
  for (let index = first; index < first + miniblockValues; index++) {
    let rest = index < count ? deltas[index]! - least : 0;
    for (let left = width; left > 0; left -= pieceBits) {
      const low = left > pieceBits ? rest % piece : rest;
      bits |= low << bitCount;
      bitCount += Math.min(left, pieceBits);
      for (; bitCount >= 8; bitCount -= 8) {
        buffer[at++] = bits;
        bits >>>= 8;
      }
      if (left > pieceBits) rest = Math.floor(rest / piece);
    }
  }
  page.length = at;
}

function bitsOf(value: number): number {
  return value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 2 ** 32);
}

function appendZigzag(page: PageBuffer, value: number): void {
  page.appendVarint(value < 0 ? -2 * value - 1 : 2 * value);
}
