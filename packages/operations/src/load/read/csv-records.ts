import { isUtf8 } from 'node:buffer';
import { WindrowError } from '@windrow/runtime';
import { type CsvError, parse } from 'csv-parse/sync';
import type { CsvDialect } from './csv-dialect.ts';
import { type Item, maxItemBytes, notUtf8, overlong, type Splitter } from './item.ts';
import { hasControlCharacter, isBlank, type Line, LineCutter } from './lines.ts';

const lineFeed = 0x0a;

interface CsvRecord {
  line: number;
  text: Buffer;
}

/**
 * CSV (RFC 4180, in any dialect) with a header. A quoted value may contain line ends. A quote that is never closed damages only
 * its own line: reading starts again at the next line.
 */
export class CsvRecords implements Splitter {
  readonly #name: string;
  readonly #dialect: CsvDialect;
  readonly #lines: LineCutter;
  #awaitsSepLine: boolean;
  #header: string[] | undefined;
  /** Lines of the current record, whose quotes are not balanced yet. */
  #open: Line[] = [];
  #openBytes = 0;
  #items: Item[] = [];
  /** Complete records. They are parsed together, because one call of the parser for each is slow. */
  #records: CsvRecord[] = [];

  /** @param name the file's name, for errors */
  constructor(name: string, dialect: CsvDialect) {
    this.#name = name;
    this.#dialect = dialect;
    this.#lines = new LineCutter(dialect.lineEnd);
    this.#awaitsSepLine = dialect.hasSepLine;
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

  #begin(whole: Line): void {
    // The LF of a single CRLF among lines that end with CR.
    const isAfterCr = this.#dialect.lineEnd === 'cr' && whole.text[0] === lineFeed;
    const line = isAfterCr ? { ...whole, text: whole.text.subarray(1) } : whole;
    if (line.bytes > maxItemBytes) this.#bad(overlong(line.number, line.text, line.bytes));
    else if (isBlank(line.text)) return;
    else if (this.#awaitsSepLine) this.#awaitsSepLine = false;
    else if (this.#isClosed(line.text)) this.#complete({ line: line.number, text: line.text });
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
    if (this.#isClosed(line.text)) return;
    const text = Buffer.concat(
      this.#open.flatMap((part, i) => [part.text, Buffer.from(i + 1 < this.#open.length ? part.end : '')]),
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
    if (!isUtf8(text) || hasControlCharacter(text)) throw this.#noHeader(line, 'is not text');
    let names: string[] = [];
    try {
      names = this.#rowsOf(text)[0]?.map((name) => name.trim()) ?? [];
    } catch (error) {
      throw this.#noHeader(line, `can't be parsed: ${(error as CsvError).message}`);
    }
    // Some programs write a delimiter after each cell.
    while (names.at(-1) === '') names.pop();
    if (names.includes('')) throw this.#noHeader(line, 'has a column without a name');
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw this.#noHeader(line, `names the column ${twice} twice`);
    const [, quoted] = /^(['`]).*\1$/.exec(names[0] ?? '') ?? [];
    if (quoted !== undefined && quoted !== this.#dialect.quote) {
      throw this.#noHeader(line, `has names in ${quoted}; name the quote with --quote "${quoted}"`);
    }
    return names;
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
      const lineEnd = Buffer.from(this.#recordEnd);
      const rows = this.#rowsOf(Buffer.concat(records.flatMap(({ text }) => [text, lineEnd])));
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
    if (!isUtf8(text)) return notUtf8(line, text);
    try {
      const [row = [], ...more] = this.#rowsOf(text);
      if (more.length === 0) return this.#itemOf(record, row);
      return { ok: false, line, text, reason: 'not_csv', message: 'a quote in it is out of place' };
    } catch (error) {
      return { ok: false, line, text, reason: 'not_csv', message: (error as CsvError).message };
    }
  }

  #itemOf({ line, text }: CsvRecord, row: string[]): Item {
    const header = this.#header ?? [];
    if (row.length < header.length || row.slice(header.length).some((cell) => cell !== '')) {
      const message = `${row.length} columns, where the header has ${header.length}`;
      return { ok: false, line, text, reason: 'not_csv', message };
    }
    return { ok: true, line, text, value: Object.fromEntries(header.map((name, i) => [name, row[i]])) };
  }

  get #recordEnd(): string {
    return this.#dialect.lineEnd === 'cr' ? '\r' : '\n';
  }

  #rowsOf(text: Buffer): string[][] {
    const { delimiter, quote = null } = this.#dialect;
    return parse(text, {
      ...{ delimiter, quote, escape: quote, record_delimiter: [this.#recordEnd] },
      relax_column_count: true,
    });
  }

  /** Whether each quote in the text has its other one. */
  #isClosed(text: Buffer): boolean {
    const { quote } = this.#dialect;
    if (quote === undefined) return true;
    let isClosed = true;
    for (let at = text.indexOf(quote); at !== -1; at = text.indexOf(quote, at + 1)) isClosed = !isClosed;
    return isClosed;
  }
}
