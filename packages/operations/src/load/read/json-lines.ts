import { type Item, maxItemBytes, overlong, type Splitter } from './item.ts';
import { type Line, LineCutter, trimmed } from './lines.ts';
import { parseJson } from './parse-json.ts';

const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * One object a line: JSON Lines, or an array with its brackets and trailing commas. Each line is parsed alone: a damaged line
 * does not affect the others.
 */
export class JsonLines implements Splitter {
  readonly #lines = new LineCutter();
  #inArray = false;
  #atStart = true;

  push(chunk: Buffer): Item[] {
    return this.#items(this.#lines.push(chunk));
  }

  end(): Item[] {
    return this.#items(this.#lines.end());
  }

  #items(lines: Iterable<Line>): Item[] {
    const items: Item[] = [];
    for (const line of lines) {
      const item = this.#item(line);
      if (item) items.push(item);
    }
    return items;
  }

  #item({ number, text, bytes }: Line): Item | undefined {
    if (bytes > maxItemBytes) return overlong(number, text, bytes);
    let json = trimmed(text);
    if (json.length === 0) return undefined;
    if (this.#atStart) {
      this.#atStart = false;
      this.#inArray = json[0] === openBracket;
      if (this.#inArray) json = trimmed(json.subarray(1));
    }
    if (json.at(-1) === comma) json = trimmed(json.subarray(0, -1));
    if (!this.#inArray) return parseJson(json, number);
    if (json.length === 0 || (json.length === 1 && json[0] === closeBracket)) return undefined;
    const item = parseJson(json, number);
    // The closing bracket may follow the last object on its line.
    if (item.ok || json.at(-1) !== closeBracket) return item;
    const beforeBracket = parseJson(trimmed(json.subarray(0, -1)), number);
    return beforeBracket.ok ? beforeBracket : item;
  }
}
