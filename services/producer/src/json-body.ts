import { isUtf8 } from 'node:buffer';

export type ParsedJson =
  | {
      ok: true;
      value: unknown;
      /** How deep arrays and objects are nested. */
      depth: number;
      /** The bytes of the longest array or object at this depth; the body itself has depth 1. */
      longestAt(depth: number): number;
    }
  | { ok: false; reason: 'not_json' | 'too_deep'; message: string };

/** Deeper bodies are not parsed, since code that walks over a value does so by recursion. */
const maxParsedDepth = 1_000;
/** Lengths are measured down to this depth: a message of a batch is an element (3) of an array (2) of the body (1). */
const measuredDepth = 3;

const quote = 0x22;
const backslash = 0x5c;

/** Parses JSON (RFC 8259) in UTF-8 with a depth of up to 1,000. It never throws. */
export function parseJson(bytes: Buffer): ParsedJson {
  if (!isUtf8(bytes)) return { ok: false, reason: 'not_json', message: 'the body is not UTF-8' };
  const { depth, longest } = nesting(bytes);
  if (depth > maxParsedDepth)
    return {
      ok: false,
      reason: 'too_deep',
      message: `nested ${depth} levels deep; at most ${maxParsedDepth}`,
    };
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return { ok: true, value, depth, longestAt: (at) => longest[at] ?? 0 };
  } catch (error) {
    return { ok: false, reason: 'not_json', message: (error as SyntaxError).message };
  }
}

/** Measures the nesting from the brackets alone, before the body is parsed. */
function nesting(bytes: Buffer): { depth: number; longest: number[] } {
  const starts = new Array<number>(measuredDepth + 1).fill(0);
  const longest = new Array<number>(measuredDepth + 1).fill(0);
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === quote) {
      for (at++; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++;
    } else if ((byte | 0x20) === 0x7b) {
      // [ or {
      depth += 1;
      if (depth > deepest) deepest = depth;
      if (depth <= measuredDepth) starts[depth] = at;
    } else if ((byte | 0x20) === 0x7d) {
      // ] or }
      if (depth <= measuredDepth && depth > 0) {
        const length = at + 1 - (starts[depth] as number);
        if (length > (longest[depth] as number)) longest[depth] = length;
      }
      depth -= 1;
    }
  }
  return { depth: deepest, longest };
}

/** Whether arrays and objects are nested deeper than `depth`. Recursive: only for values of limited depth. */
export function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, depth - 1));
}
