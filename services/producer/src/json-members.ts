const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBracket = 0x5b;
const openBrace = 0x7b;

/** Where a value of a JSON text lies: `start ≤ position < end`. */
export interface Span {
  start: number;
  end: number;
}

export interface Member extends Span {
  name: string;
  value: Span;
}

/** The value of a whole JSON text, without the white space around it. The text must be valid JSON, here and below. */
export function wholeValue(json: Buffer): Span {
  const start = afterSpace(json, 0);
  return { start, end: endOfValue(json, start) };
}

export const isArrayAt = (json: Buffer, { start }: Span): boolean => json[start] === openBracket;
export const isObjectAt = (json: Buffer, { start }: Span): boolean => json[start] === openBrace;

/** The elements of an array. */
export function elementsOf(json: Buffer, array: Span): Span[] {
  const elements: Span[] = [];
  let at = afterSpace(json, array.start + 1);
  while (at < array.end - 1) {
    const end = endOfValue(json, at);
    elements.push({ start: at, end });
    at = afterSeparator(json, end);
  }
  return elements;
}

/** The members of an object, in the order of the text; a name may be there twice. */
export function membersOf(json: Buffer, object: Span): Member[] {
  const members: Member[] = [];
  let at = afterSpace(json, object.start + 1);
  while (at < object.end - 1) {
    const nameEnd = endOfText(json, at);
    const name = JSON.parse(json.toString('utf8', at, nameEnd)) as string;
    const start = afterSpace(json, afterSpace(json, nameEnd) + 1);
    const end = endOfValue(json, start);
    members.push({ name, start: at, end, value: { start, end } });
    at = afterSeparator(json, end);
  }
  return members;
}

function afterSpace(json: Buffer, from: number): number {
  let at = from;
  while (at < json.length && (json[at] as number) <= 0x20) at += 1;
  return at;
}

function afterSeparator(json: Buffer, from: number): number {
  const at = afterSpace(json, from);
  return json[at] === comma ? afterSpace(json, at + 1) : at;
}

function endOfText(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at + 1;
}

function endOfValue(json: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const byte = json[at] as number;
    if (byte === quote) at = endOfText(json, at);
    else {
      if ((byte | 0x20) === 0x7b) depth += 1;
      else if ((byte | 0x20) === 0x7d) depth -= 1;
      at += 1;
      // A number, true, false or null ends before the next separator.
      while (depth === 0 && at < json.length && !endsValue(json[at] as number) && !endsValue(byte)) at += 1;
    }
  } while (depth > 0 && at < json.length);
  return at;
}

/** White space, a comma or a bracket. */
const endsValue = (byte: number): boolean => byte <= 0x20 || byte === comma || (byte | 0x20) === 0x7d;
