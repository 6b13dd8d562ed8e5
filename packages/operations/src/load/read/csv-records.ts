import { isUtf8 } from 'node:buffer';
import { WindrowError } from '@windrow/runtime';
import { type CsvError, parse } from 'csv-parse/sync';
import { type Item, maxItemBytes, overlong, type Splitter } from './item.ts';
import { isBlank, type Line, LineCutter } from './lines.ts';

const quote = 0x22;
const lineFeed = Buffer.from('\n');

interface CsvRecord {
  line: number;
  text: Buffer;
}

/**
 * CSV (RFC 4180) with a header. A quoted value may contain line ends. A quote that is never closed damages only its own line:
 * reading starts again at the next line.
 */
export class CsvRecords implements Splitter {
  readonly #name: string;
  readonly #lines = new LineCutter();
  #header: string[] | undefined;
  /** Lines of the current record, whose quotes are not balanced yet. */
  #open: Line[] = [];
  #openBytes = 0;
  #items: Item[] = [];
  /** Complete records. They are parsed together, because one call of the parser for each is slow. */
  #records: CsvRecord[] = [];

  /** @param name the file's name, for errors */
  constructor(name: string) {
    this.#name = name;
  }

  push(chunk: Buffer): Item[] {
    for (const line of this.#lines.push(chunk)) this.#take(line);
    return this.#flush();
  }

  end(): Item[] {
    for (const line of this.#lines.end()) this.#take(line);
    while (this.#open.length > 0) this.#giveUp();
    return this.#flush();
  }

  #take(line: Line): void {
    if (this.#open.length === 0) this.#begin(line);
    else this.#continue(line);
  }

  #begin(line: Line): void {
    if (line.bytes > maxItemBytes) this.#bad(overlong(line.number, line.text, line.bytes));
    else if (isBlank(line.text)) return;
    else if (countQuotes(line.text) % 2 === 0) this.#complete({ line: line.number, text: line.text });
    else {
      this.#open = [line];
      this.#openBytes = line.bytes;
    }
  }

  #continue(line: Line): void {
    this.#open.push(line);
    this.#openBytes += line.bytes;
    if (this.#openBytes > maxItemBytes) {
      this.#giveUp();
      return;
    }
    if (countQuotes(line.text) % 2 === 0) return;
    const text = Buffer.concat(
      this.#open.flatMap((part, i) => (i === 0 ? [part.text] : [lineFeed, part.text])),
    );
    const record = { line: this.#open[0]?.number ?? 0, text };
    if (this.#header !== undefined && !this.#parsed(record).ok) {
      this.#giveUp();
      return;
    }
    this.#open = [];
    this.#complete(record);
  }

  /** Rejects the first open line, and reads the others again as lines of their own. */
  #giveUp(): void {
    const [first, ...others] = this.#open;
    this.#open = [];
    if (first) {
      const message = 'a quote in it is out of place or never closed';
      this.#bad({ ok: false, line: first.number, text: first.text, reason: 'not_csv', message });
    }
    for (const line of others) this.#take(line);
  }

  #complete(record: CsvRecord): void {
    if (this.#header) this.#records.push(record);
    else this.#header = this.#headerOf(record);
  }

  #bad(item: Item): void {
    if (!this.#header) throw this.#noHeader(item.line, 'is damaged');
    this.#items.push(...this.#flushRecords(), item);
  }

  #headerOf({ line, text }: CsvRecord): string[] {
    if (!isUtf8(text) || text.includes(0)) throw this.#noHeader(line, 'is not text');
    let names: string[] = [];
    try {
      names = rowsOf(text)[0] ?? [];
    } catch (error) {
      throw this.#noHeader(line, `can't be parsed: ${(error as CsvError).message}`);
    }
    if (names.some((name) => name.trim() === '')) throw this.#noHeader(line, 'has a column without a name');
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw this.#noHeader(line, `names the column ${twice} twice`);
    return names.map((name) => name.trim());
  }

  #noHeader(line: number, reason: string): WindrowError {
    const message = `${this.#name} holds neither JSON nor CSV with a header: its line ${line} ${reason}.`;
    return new WindrowError('FILE_UNREADABLE', message);
  }

  #flush(): Item[] {
    const items = [...this.#items, ...this.#flushRecords()];
    this.#items = [];
    return items;
  }

  #flushRecords(): Item[] {
    const records = this.#records;
    this.#records = [];
    if (records.length === 0) return [];
    try {
      const rows = rowsOf(Buffer.concat(records.flatMap(({ text }) => [text, lineFeed])));
      if (rows.length === records.length && records.every(({ text }) => isUtf8(text))) {
        return records.map((record, i) => this.#itemOf(record, rows[i] ?? []));
      }
    } catch {
      // A record is damaged: parse each one alone to find it.
    }
    return records.map((record) => this.#parsed(record));
  }

  #parsed(record: CsvRecord): Item {
    const { line, text } = record;
    if (!isUtf8(text))
      return { ok: false, line, text, reason: 'not_utf8', message: 'its bytes are not UTF-8' };
    try {
      const [row = [], ...more] = rowsOf(text);
      if (more.length === 0) return this.#itemOf(record, row);
      return { ok: false, line, text, reason: 'not_csv', message: 'a quote in it is out of place' };
    } catch (error) {
      return { ok: false, line, text, reason: 'not_csv', message: (error as CsvError).message };
    }
  }

  #itemOf({ line, text }: CsvRecord, row: string[]): Item {
    const header = this.#header ?? [];
    if (row.length !== header.length) {
      const message = `${row.length} columns, where the header has ${header.length}`;
      return { ok: false, line, text, reason: 'not_csv', message };
    }
    return { ok: true, line, text, value: Object.fromEntries(header.map((name, i) => [name, row[i]])) };
  }
}

function rowsOf(text: Buffer): string[][] {
  return parse(text, { relax_column_count: true });
}

function countQuotes(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(quote); at !== -1; at = text.indexOf(quote, at + 1)) count += 1;
  return count;
}
