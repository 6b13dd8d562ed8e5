import { type Item, keptOfOverlongBytes, maxItemBytes, overlong, type Splitter } from './item.ts';
import { isSpace } from './lines.ts';
import { parseJson } from './parse-json.ts';
import { type PathStep, pathText } from './record-path.ts';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const lineFeed = 0x0a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Reads on, and yields whenever it needs more of the file. */
type Reading<T> = Generator<undefined, T, undefined>;

/** The file is no JSON at this place. */
class Damage extends Error {}

/** A place in the file: bytes from its beginning, and the line. `head`: its first bytes, if the rest was too long to hold. */
interface Place {
  at: number;
  line: number;
  head?: Buffer;
}

/**
 * The JSON values to which a path leads, in a file of JSON values one after the other or in an array. Each one is cut out of the
 * stream: the file may be one object of any size. A text on the way is read as JSON, or as JSON in Base64, as queues wrap it.
 */
export class PathElements implements Splitter {
  readonly #steps: readonly PathStep[];
  readonly #reading: Reading<void>;
  #buffer: Buffer = Buffer.alloc(0);
  /** Bytes of the file before the buffer. */
  #base = 0;
  /** Position in the buffer. */
  #at = 0;
  #line = 1;
  #isEnded = false;
  /** Places from which on the file is held, the outermost first. */
  #held: Place[] = [];
  /** Results and arrays on the path so far: a branch without one is an event that is not there. */
  #found = 0;
  #items: Item[] = [];

  constructor(steps: readonly PathStep[]) {
    this.#steps = steps;
    this.#reading = this.#documents();
  }

  push(chunk: Buffer): Item[] {
    this.#drop();
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    return this.#read();
  }

  end(): Item[] {
    this.#isEnded = true;
    return this.#read();
  }

  #read(): Item[] {
    this.#reading.next();
    const items = this.#items;
    this.#items = [];
    return items;
  }

  /** Drops the bytes that are not needed any more. */
  #drop(): void {
    const here = this.#base + this.#at;
    for (const place of this.#held) {
      if (here - place.at > maxItemBytes) place.head ??= Buffer.from(this.#since(place, keptOfOverlongBytes));
    }
    // The byte after a backslash may be in the next chunk.
    const end = this.#base + Math.min(this.#at, this.#buffer.length);
    const from = this.#held.find(({ head }) => head === undefined)?.at ?? end;
    this.#buffer = this.#buffer.subarray(from - this.#base);
    this.#at = here - from;
    this.#base = from;
  }

  #since({ at }: Place, bytes = Number.POSITIVE_INFINITY): Buffer {
    const start = at - this.#base;
    return this.#buffer.subarray(start, Math.min(this.#at, start + bytes));
  }

  *#documents(): Reading<void> {
    for (;;) {
      let byte = yield* this.#peek();
      // Elements of an array at the top are documents of their own.
      while (byte === comma || byte === openBracket || byte === closeBracket) {
        this.#at += 1;
        byte = yield* this.#peek();
      }
      if (byte === undefined) return;
      const place = { at: this.#base + this.#at, line: this.#line };
      try {
        yield* this.#branch(0);
      } catch (error) {
        if (!(error instanceof Damage)) throw error;
        this.#held = [];
        const message = `${error.message} (line ${this.#line})`;
        if (!this.#returnToSecondLine(place)) yield* this.#toNextLine();
        this.#fail('not_json', place, message);
      }
    }
  }

  /** A part of the file in which the path must lead to something: a document, or an element of `[*]`. */
  *#branch(matched: number): Reading<void> {
    const place = this.#here();
    const before = this.#found;
    this.#held.push(place);
    yield* this.#value(matched);
    this.#held.pop();
    if (this.#found > before) return;
    this.#found += 1;
    this.#fail('path_missing', place, `nothing is at ${pathText(this.#steps)} in it`);
  }

  /** A value that matches so many steps of the path. */
  *#value(matched: number): Reading<void> {
    const byte = yield* this.#peek();
    const step = this.#steps[matched];
    if (step === undefined || byte === quote) yield* this.#wanted(matched);
    else if (step === 'each' && byte === openBracket) yield* this.#array(matched);
    else if (step !== 'each' && byte === openBrace) yield* this.#object(matched, step.name);
    else yield* this.#skip();
  }

  *#array(matched: number): Reading<void> {
    this.#found += 1;
    yield* this.#members(closeBracket, () => this.#branch(matched + 1));
  }

  *#object(matched: number, name: string): Reading<void> {
    const member = function* (this: PathElements): Reading<void> {
      const place = this.#here();
      if ((yield* this.#peek()) !== quote) throw new Damage('a name is expected');
      this.#held.push(place);
      yield* this.#skip();
      this.#held.pop();
      const isName = place.head === undefined && textOf(this.#since(place)) === name;
      if ((yield* this.#peek()) !== colon) throw new Damage('a colon is expected');
      this.#at += 1;
      yield* this.#peek();
      yield* isName ? this.#value(matched + 1) : this.#skip();
    };
    yield* this.#members(closeBrace, () => member.call(this));
  }

  *#members(close: number, member: () => Reading<void>): Reading<void> {
    this.#at += 1;
    let byte = yield* this.#peek();
    while (byte !== close) {
      yield* member();
      byte = yield* this.#peek();
      if (byte !== comma && byte !== close) throw new Damage('a comma is expected');
      if (byte !== comma) break;
      this.#at += 1;
      byte = yield* this.#peek();
    }
    this.#at += 1;
  }

  /** The end of the path, or a text on the way. */
  *#wanted(matched: number): Reading<void> {
    const place = this.#here();
    this.#held.push(place);
    yield* this.#skip();
    this.#held.pop();
    const { at, line, head } = place;
    const bytes = this.#base + this.#at - at;
    if (bytes > maxItemBytes) {
      this.#found += 1;
      this.#items.push(overlong(line, head ?? this.#since(place), bytes));
      return;
    }
    const text = this.#since(place);
    const inner = text[0] === quote ? jsonWithin(text) : undefined;
    if (inner) {
      const elements = new PathElements(this.#steps.slice(matched));
      const items = [...elements.push(inner), ...elements.end()].map((item) => ({ ...item, line }));
      this.#found += items.length;
      this.#items.push(...items);
    } else if (matched === this.#steps.length) {
      this.#found += 1;
      this.#items.push(parseJson(text, line));
    }
  }

  /** Passes over one value. */
  *#skip(): Reading<void> {
    const first = this.#buffer[this.#at];
    if (first !== quote && first !== openBrace && first !== openBracket) return yield* this.#skipScalar();
    let depth = 0;
    let isText = false;
    for (;;) {
      for (; this.#at < this.#buffer.length; this.#at += 1) {
        const byte = this.#buffer[this.#at];
        if (byte === lineFeed) {
          if (isText) throw new Damage('a text is not closed');
          this.#line += 1;
        } else if (isText) {
          if (byte === backslash) this.#at += 1;
          else if (byte === quote) isText = false;
        } else if (byte === quote) isText = true;
        else if (byte === openBrace || byte === openBracket) depth += 1;
        else if (byte === closeBrace || byte === closeBracket) depth -= 1;
        if (depth === 0 && !isText) {
          this.#at += 1;
          return;
        }
      }
      if (this.#isEnded) throw new Damage('the file ends within it');
      yield;
    }
  }

  *#skipScalar(): Reading<void> {
    const start = this.#here();
    for (;;) {
      for (; this.#at < this.#buffer.length; this.#at += 1) {
        const byte = this.#buffer[this.#at] ?? 0;
        if (!isSpace(byte) && byte !== comma && byte !== closeBrace && byte !== closeBracket) continue;
        if (this.#here().at === start.at) throw new Damage('a value is expected');
        return;
      }
      if (this.#isEnded) return;
      yield;
    }
  }

  /** The next byte that is no white space; undefined at the end of the file between documents. */
  *#peek(): Reading<number | undefined> {
    for (;;) {
      for (; this.#at < this.#buffer.length; this.#at += 1) {
        const byte = this.#buffer[this.#at];
        if (!isSpace(byte)) return byte;
        if (byte === lineFeed) this.#line += 1;
      }
      if (this.#isEnded) {
        if (this.#held.length > 0) throw new Damage('the file ends within it');
        return undefined;
      }
      yield;
    }
  }

  /** In a file with a document a line, the next document begins there, whatever the damaged one has swallowed. */
  #returnToSecondLine({ at, line }: Place): boolean {
    const end = at < this.#base ? -1 : this.#buffer.indexOf(lineFeed, at - this.#base);
    if (end === -1 || end >= this.#at || this.#buffer[end + 1] !== openBrace) return false;
    this.#at = end;
    this.#line = line;
    return true;
  }

  *#toNextLine(): Reading<void> {
    for (;;) {
      const end = this.#buffer.indexOf(lineFeed, this.#at);
      this.#at = end === -1 ? this.#buffer.length : end;
      if (end !== -1 || this.#isEnded) return;
      yield;
    }
  }

  #here(): Place {
    return { at: this.#base + this.#at, line: this.#line };
  }

  #fail(reason: 'not_json' | 'path_missing', place: Place, message: string): void {
    const text = place.head ?? (place.at < this.#base ? Buffer.alloc(0) : this.#since(place));
    this.#items.push({ ok: false, line: place.line, text, reason, message });
  }
}

/** The text that a JSON string stands for; undefined if it is damaged. */
function textOf(json: Buffer): string | undefined {
  try {
    return JSON.parse(json.toString('utf8')) as string;
  } catch {
    return undefined;
  }
}

/** The JSON object or array in a JSON string, as it is or in Base64. */
function jsonWithin(json: Buffer): Buffer | undefined {
  const text = textOf(json)?.trim() ?? '';
  if (/^[{[]/.test(text)) return Buffer.from(text);
  if (!/^[A-Za-z0-9+/_-]{4,}={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return /^\s*[{[]/.test(bytes.toString('latin1')) ? bytes : undefined;
}
