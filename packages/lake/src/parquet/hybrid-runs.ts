import type { PageBuffer } from './page-buffer.ts';

/**
 * The RLE/bit-packing hybrid (parquet-format, Encodings.md) of `values` from `from` to `to`. Eight or more equal values become
 * an RLE run; the others are bit-packed in groups of eight.
 * @param bitWidth bits per value, 0–24
 */
export function appendHybrid(
  page: PageBuffer,
  values: Uint8Array | Int32Array,
  from: number,
  to: number,
  bitWidth: number,
): void {
  let packedFrom = from;
  let at = from;
  while (at < to) {
    const value = values[at]!;
    let runEnd = at + 1;
    while (runEnd < to && values[runEnd] === value) runEnd++;
    if (runEnd - at < 8) {
      at += 8;
      continue;
    }
    appendPacked(page, values, packedFrom, at, bitWidth);
    appendRun(page, value, runEnd - at, bitWidth);
    packedFrom = at = runEnd;
  }
  appendPacked(page, values, packedFrom, to, bitWidth);
}

/** An RLE run: `count` times the same value. */
export function appendRun(page: PageBuffer, value: number, count: number, bitWidth: number): void {
  page.reserve(12);
  page.appendVarint(count * 2);
  for (let bits = 0; bits < bitWidth; bits += 8) page.buffer[page.length++] = value >>> bits;
}

function appendPacked(
  page: PageBuffer,
  values: Uint8Array | Int32Array,
  from: number,
  to: number,
  bitWidth: number,
): void {
  if (from >= to) return;
  const groups = (to - from + 7) >> 3;
  page.reserve(groups * bitWidth + 8);
  page.appendVarint(groups * 2 + 1);
  const { buffer } = page;
  const end = page.length + groups * bitWidth;
  let at = page.length;
  let bits = 0;
  let bitCount = 0;
  for (let index = from; index < to; index++) {
    bits |= values[index]! << bitCount;
    bitCount += bitWidth;
    while (bitCount >= 8) {
      buffer[at++] = bits;
      bits >>>= 8;
      bitCount -= 8;
    }
  }
  if (bitCount > 0) buffer[at++] = bits;
  buffer.fill(0, at, end);
  page.length = end;
}
