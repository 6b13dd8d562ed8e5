import { type Item, keptOfOverlongBytes, maxItemBytes, overlong, type Splitter } from './item.ts';
import { isSpace } from './lines.ts';
import { parseJson } from './parse-json.ts';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const lineFeed = 0x0a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
/** Longest indentation that is compared. */
const maxIndentBytes = 256;

/**
 * Objects in any layout (over many lines, or all on one line), one after the other or in an array. An object ends where its
 * braces are balanced. If the text up to there is not valid JSON, the object is damaged, and a new one starts at the next text
 * that looks like the beginning of an object: a line indented like the first lines of the valid objects or, in a file
 * without such lines, an object with the same first key.
 */
export class JsonElements implements Splitter {
  #buffer: Buffer = Buffer.alloc(0);
  #line = 1;
  /** Position of the next byte to scan. */
  #at = 0;
  /** Start of the current element, or −1 between elements. */
  #start = -1;
  #startLine = 1;
  #isObject = false;
  #depth = 0;
  #inString = false;
  /** The beginning of a valid object: the white space before its brace, or the text up to its first key. */
  #beginning: Buffer | undefined;
  /** Bytes of the current element that were dropped because it is too long. */
  #droppedBytes = 0;
  #droppedText: Buffer | undefined;
  #ended = false;

  push(chunk: Buffer): Item[] {
    // Keep the white space before the element: it is the indentation of elements.
    const keepFrom = this.#lead(this.#start === -1 ? this.#at : this.#start);
    this.#buffer =
      keepFrom === this.#buffer.length ? chunk : Buffer.concat([this.#buffer.subarray(keepFrom), chunk]);
    this.#at -= keepFrom;
    if (this.#start !== -1) this.#start -= keepFrom;
    return this.#scan();
  }

  end(): Item[] {
    this.#ended = true;
    return this.#scan();
  }

  #scan(): Item[] {
    const items: Item[] = [];
    for (;;) {
      const item = this.#start === -1 ? this.#between() : this.#within();
      if (item === 'more') return items;
      if (item !== 'none') items.push(item);
    }
  }

  /** Moves to the start of the next element. */
  #between(): 'more' | 'none' | Item {
    const buffer = this.#buffer;
    for (; this.#at < buffer.length; this.#at += 1) {
      const byte = buffer[this.#at];
      if (byte === lineFeed) this.#line += 1;
      else if (!isSpace(byte) && byte !== comma && byte !== openBracket && byte !== closeBracket) {
        this.#start = this.#at;
        this.#startLine = this.#line;
        this.#isObject = byte === openBrace;
        this.#depth = 0;
        this.#inString = false;
        return 'none';
      }
    }
    return 'more';
  }

  #within(): 'more' | 'none' | Item {
    const buffer = this.#buffer;
    for (; this.#at < buffer.length; this.#at += 1) {
      const byte = buffer[this.#at];
      if (byte === lineFeed) {
        // A JSON string contains no line feed, so an open string was never closed.
        this.#inString = false;
        if (!this.#isObject) return this.#finish(this.#at);
        this.#line += 1;
      } else if (this.#inString) {
        if (byte === backslash) this.#at += 1;
        else if (byte === quote) this.#inString = false;
      } else if (byte === quote) this.#inString = true;
      else if (!this.#isObject) {
        if (byte === comma || byte === openBrace || byte === closeBracket) return this.#finish(this.#at);
      } else if (byte === openBrace || byte === openBracket) this.#depth += 1;
      else if (byte === closeBrace || byte === closeBracket) {
        this.#depth -= 1;
        if (this.#depth === 0) return this.#finish(this.#at + 1);
      }
    }
    if (this.#at > buffer.length) {
      // The byte after a backslash is in the next chunk. A line feed there would be damage too.
      if (!this.#ended) return 'more';
      this.#at = buffer.length;
    }
    if (this.#ended) return this.#finish(this.#at);
    return buffer.length - this.#start > maxItemBytes ? this.#tooLong() : 'more';
  }

  /** Completes the element, which ends at `end`. */
  #finish(end: number): Item {
    if (this.#droppedText) return this.#finishOverlong(this.#depth > 0 ? this.#nextBeginning(end) : -1, end);
    const item = parseJson(this.#buffer.subarray(this.#start, end), this.#startLine);
    const isWhole = item.ok || item.reason === 'too_deep';
    const damaged = isWhole ? undefined : this.#resume(end);
    if (damaged) return damaged;
    if (isWhole) this.#beginning = this.#beginningAt(this.#start) ?? this.#beginning;
    this.#close(end);
    return item;
  }

  /** Cuts a damaged element where the next one seems to begin; undefined if nothing looks like a beginning. */
  #resume(end: number): Item | undefined {
    const next = this.#nextBeginning(end);
    if (next === -1) return undefined;
    const text = this.#buffer.subarray(this.#start, next);
    const message = 'an object that is not closed before the next one begins';
    const item: Item = { ok: false, line: this.#startLine, text, reason: 'not_json', message };
    this.#closeAtBeginning(next);
    return item;
  }

  #tooLong(): 'more' | Item {
    const end = this.#buffer.length;
    if (this.#droppedText) {
      const next = this.#nextBeginning(end);
      if (next !== -1) return this.#finishOverlong(next, end);
    } else {
      const damaged = this.#resume(end);
      if (damaged) return damaged;
      this.#droppedText = Buffer.from(this.#buffer.subarray(this.#start, this.#start + keptOfOverlongBytes));
    }
    // Keep the end of the buffer: it may contain the first half of a beginning.
    const cut = end - keptOfOverlongBytes;
    this.#droppedBytes += cut - this.#start;
    this.#start = cut;
    return 'more';
  }

  #finishOverlong(next: number, end: number): Item {
    const bytes = this.#droppedBytes + (next === -1 ? end : next) - this.#start;
    const item = overlong(this.#startLine, this.#droppedText ?? Buffer.alloc(0), bytes);
    if (next === -1) this.#close(end);
    else this.#closeAtBeginning(next);
    return item;
  }

  /** The position in the current element, before `end`, at which another one seems to begin; or −1. */
  #nextBeginning(end: number): number {
    const beginning = this.#beginning ?? this.#beginningAt(this.#start);
    if (beginning === undefined) return -1;
    const found = this.#buffer.subarray(0, end).indexOf(beginning, this.#start + 1);
    return found === -1 ? -1 : found + beginning.indexOf(openBrace);
  }

  /** `\n  {` if the element is the first one on its line, `{"first key"` otherwise. */
  #beginningAt(start: number): Buffer | undefined {
    if (this.#buffer[start] !== openBrace) return undefined;
    const lead = this.#buffer.subarray(this.#lead(start), start);
    const lineStart = lead.lastIndexOf(lineFeed);
    if (lineStart !== -1)
      return Buffer.from(this.#buffer.subarray(start - lead.length + lineStart, start + 1));
    let keyStart = start + 1;
    while (isSpace(this.#buffer[keyStart])) keyStart += 1;
    const keyEnd = this.#buffer.indexOf(quote, keyStart + 1);
    if (this.#buffer[keyStart] !== quote || keyEnd === -1) return undefined;
    return Buffer.from(this.#buffer.subarray(start, keyEnd + 1));
  }

  /** Start of the white space before a position. */
  #lead(position: number): number {
    let start = position;
    const limit = Math.max(0, position - maxIndentBytes);
    while (start > limit && isSpace(this.#buffer[start - 1])) start -= 1;
    return start;
  }

  /** Like {@link #close}, at a position that the scan has passed already. */
  #closeAtBeginning(next: number): void {
    this.#line -= countLineFeeds(this.#buffer.subarray(next, this.#at));
    this.#close(next);
  }

  #close(end: number): void {
    this.#at = end;
    this.#start = -1;
    this.#droppedBytes = 0;
    this.#droppedText = undefined;
  }
}

function countLineFeeds(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(lineFeed); at !== -1; at = text.indexOf(lineFeed, at + 1)) count += 1;
  return count;
}
