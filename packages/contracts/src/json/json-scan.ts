/** Facts about a JSON text that its bytes show, before it is parsed. They mean nothing if the text is not valid JSON. */
export interface JsonScan {
  /** How deep arrays and objects are nested. */
  depth: number;
  /** By depth, down to 3: the bytes of the longest array or object at this depth. The outermost has depth 1. */
  longest: readonly number[];
  /** Start and end of each number that a JavaScript number doesn't keep as it is written. */
  numberTexts: readonly number[];
  /** Whether a text holds an escaped U+0000 or an escaped half of a surrogate pair. */
  hasBrokenText: boolean;
}

/** Lengths are measured down to this depth: a message of a batch is an element (3) of an array (2) of the body (1). */
const measuredDepth = 3;

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const letterE = 0x65;
const letterU = 0x75;

/** Reads each byte once. Its loop runs for every body, so the cases that are rare are in functions of their own. */
export function scanJson(bytes: Buffer): JsonScan {
  const starts = new Array<number>(measuredDepth + 1).fill(0);
  const longest = new Array<number>(measuredDepth + 1).fill(0);
  let numberTexts: number[] = noNumberTexts;
  let hasBrokenText = false;
  let depth = 0;
  let deepest = 0;
  const length = bytes.length;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number;
    if (byte === quote) {
      for (at++; at < length && bytes[at] !== quote; at++) {
        if (bytes[at] !== backslash) continue;
        at += 1;
        if (bytes[at] === letterU) {
          const broken = brokenEscape(bytes, at);
          if (broken) hasBrokenText = true;
          at += broken === undefined ? 10 : 4;
        }
      }
    } else if ((byte | 0x20) === 0x7b) {
      // [ or {
      depth += 1;
      if (depth > deepest) deepest = depth;
      if (depth <= measuredDepth) starts[depth] = at;
    } else if ((byte | 0x20) === 0x7d) {
      // ] or }
      if (depth <= measuredDepth && depth > 0) {
        const bytesHere = at + 1 - (starts[depth] as number);
        if (bytesHere > (longest[depth] as number)) longest[depth] = bytesHere;
      }
      depth -= 1;
    } else if ((byte >= zero && byte <= nine) || byte === minus) {
      const end = plainNumberEnd(bytes, at);
      if (end > 0) at = end - 1;
      else {
        const numberEnd = endOfNumber(bytes, at);
        if (isChanged(bytes, at, numberEnd)) {
          if (numberTexts === noNumberTexts) numberTexts = [];
          numberTexts.push(at, numberEnd);
        }
        at = numberEnd - 1;
      }
    }
  }
  return { depth: deepest, longest, numberTexts, hasBrokenText };
}

const noNumberTexts: number[] = [];

/** A double keeps every decimal number of up to 15 digits. */
const keptDigits = 15;

/**
 * The end of a number that certainly stays as it is written: up to 15 digits, no exponent, no sign before a zero, no zero at the
 * end of a fraction, and no small fraction, which JavaScript writes with an exponent. Otherwise −1.
 */
function plainNumberEnd(bytes: Buffer, start: number): number {
  let at = start;
  if (bytes[at] === minus) {
    at += 1;
    if (bytes[at] === zero) return -1;
  }
  const first = at;
  let digit = bytes[at] as number;
  while (digit >= zero && digit <= nine) digit = bytes[++at] as number;
  if (digit === point) {
    at += 1;
    if (bytes[first] === zero && bytes[at] === zero) return -1;
    digit = bytes[at] as number;
    while (digit >= zero && digit <= nine) digit = bytes[++at] as number;
    if (bytes[at - 1] === zero || bytes[at - 1] === point || at - first > keptDigits + 1) return -1;
  } else if (at - first > keptDigits) return -1;
  return (digit | 0x20) === letterE || digit === point ? -1 : at;
}

function endOfNumber(bytes: Buffer, start: number): number {
  let at = start;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    const isPart = (byte >= zero && byte <= nine) || byte === point || byte === minus || byte === 0x2b;
    if (!isPart && (byte | 0x20) !== letterE) break;
  }
  return at;
}

const jsonNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;

/** Whether the bytes are a JSON number and not the name of a member, and JavaScript would write the number differently. */
function isChanged(bytes: Buffer, start: number, end: number): boolean {
  const text = bytes.toString('latin1', start, end);
  if (!jsonNumber.test(text) || String(Number(text)) === text) return false;
  let after = end;
  while (after < bytes.length && (bytes[after] as number) <= 0x20) after += 1;
  return bytes[after] !== colon;
}

/**
 * Whether the escape `uXXXX` is U+0000 or half of a surrogate pair; undefined for a complete pair.
 * @param at the position of `u`
 */
function brokenEscape(bytes: Buffer, at: number): boolean | undefined {
  const unit = Number.parseInt(bytes.toString('latin1', at + 1, at + 5), 16);
  if (unit === 0) return true;
  if (!(unit >= 0xd800 && unit <= 0xdfff)) return false;
  if (unit >= 0xdc00 || bytes[at + 5] !== backslash || bytes[at + 6] !== letterU) return true;
  const low = Number.parseInt(bytes.toString('latin1', at + 7, at + 11), 16);
  return low >= 0xdc00 && low <= 0xdfff ? undefined : true;
}
