import { keptOfOverlongBytes, maxItemBytes } from './item.ts';

export interface Line {
  /** Counts from 1. */
  number: number;
  /** Without its line end. */
  text: Buffer;
  /** The line end as it is in the file; empty at the end of the file. */
  end: '' | '\n' | '\r\n' | '\r';
  /** Length of the whole line; longer than `text` if the line was cut because it is too long. */
  bytes: number;
}

/** `lf`: lines end with LF or CRLF. `cr`: lines end with CR, as old Mac software and Excel for Mac write them. */
export type LineEnd = 'lf' | 'cr';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const formFeed = 0x0c;
/** Begins a colour of a terminal. */
const escapeByte = 0x1b;

/** Cuts a stream of chunks into lines, holding no more than one line of at most `maxItemBytes`. */
export class LineCutter {
  readonly #lineEnd: number;
  #number = 1;
  #parts: Buffer[] = [];
  #heldBytes = 0;
  #bytes = 0;

  constructor(lineEnd: LineEnd = 'lf') {
    this.#lineEnd = lineEnd === 'lf' ? lineFeed : carriageReturn;
  }

  *push(chunk: Buffer): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(this.#lineEnd); end !== -1; end = chunk.indexOf(this.#lineEnd, start)) {
      this.#hold(chunk.subarray(start, end));
      yield this.#take(true);
      this.#number += 1;
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  /** The last line, if it has no line end. */
  *end(): Generator<Line> {
    if (this.#bytes > 0) yield this.#take(false);
  }

  #hold(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#heldBytes > maxItemBytes) return;
    this.#parts.push(part);
    this.#heldBytes += part.length;
    if (this.#heldBytes <= maxItemBytes) return;
    // The line is too long: copy its beginning, so that the chunks can be freed.
    this.#parts = [Buffer.from(Buffer.concat(this.#parts).subarray(0, keptOfOverlongBytes))];
  }

  #take(isEnded: boolean): Line {
    const [only] = this.#parts;
    let text = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts);
    let end: Line['end'] = '';
    if (this.#lineEnd === lineFeed) {
      if (isEnded) end = '\n';
      if (this.#bytes === text.length && text.at(-1) === carriageReturn) {
        text = text.subarray(0, -1);
        end = isEnded ? '\r\n' : '\r';
      }
    } else if (isEnded) end = '\r';
    const line = { number: this.#number, text, end, bytes: this.#bytes };
    this.#parts = [];
    this.#heldBytes = 0;
    this.#bytes = 0;
    return line;
  }
}

/** Whether the text consists of white space only. */
export function isBlank(text: Buffer): boolean {
  return text.every(isSpace);
}

/** The text without white space at both ends. */
export function trimmed(text: Buffer): Buffer {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text[start])) start += 1;
  while (end > start && isSpace(text[end - 1])) end -= 1;
  return text.subarray(start, end);
}

/** JSON's white space (RFC 8259, section 2). */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === lineFeed || byte === carriageReturn || byte === 0x09;
}

/** Text has none but white space. Binary formats have them early. */
export function hasControlCharacter(text: Buffer): boolean {
  return text.some((byte) => byte < 0x20 && !isSpace(byte) && byte !== formFeed && byte !== escapeByte);
}
