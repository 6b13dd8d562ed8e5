/**
 * Compares two strings as Parquet and Delta do: by their UTF-8 bytes. JavaScript's `<` compares UTF-16 units, which sorts
 * U+E000–U+FFFF after all supplementary characters. A lone surrogate counts as U+FFFD, because it is stored as that.
 */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a === b) continue;
    if (a >= 0xd800 && b >= 0xd800) return Buffer.compare(Buffer.from(left), Buffer.from(right));
    return a - b;
  }
  return left.length - right.length;
}

/** Longer bounds are truncated to this many code points, as Delta's writer in Spark does it. */
const boundCodePoints = 32;

/** A prefix of `value` of bounded length. */
export function lowerBound(value: string): string {
  const stored = value.toWellFormed();
  return firstCodePoints(stored) ?? stored;
}

/** A string of bounded length that sorts after `value` or is equal to it; undefined when there is none. */
export function upperBound(value: string): string | undefined {
  const stored = value.toWellFormed();
  const prefix = firstCodePoints(stored);
  if (prefix === undefined) return stored;
  const codePoints = Array.from(prefix, (character) => character.codePointAt(0)!);
  for (let last = codePoints.pop(); last !== undefined; last = codePoints.pop()) {
    if (last === 0x10ffff) continue;
    return String.fromCodePoint(...codePoints, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}

/** The first code points of a string that is longer than a bound may be; undefined for shorter strings. */
function firstCodePoints(value: string): string | undefined {
  let end = 0;
  for (let count = 0; count < boundCodePoints; count++) {
    if (end >= value.length) return undefined;
    end += value.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return end < value.length ? value.slice(0, end) : undefined;
}
