import { WindrowError } from '@windrow/runtime';
import { parse } from 'csv-parse/sync';
import { isBlank, type LineEnd } from './lines.ts';
import type { ReadOptions } from './read-options.ts';

export interface CsvDialect {
  delimiter: string;
  /** Undefined: no cell is quoted. */
  quote: string | undefined;
  lineEnd: LineEnd;
  /** Spreadsheets write a first line `sep=;`, which names the delimiter and holds no cells. */
  hasSepLine: boolean;
}

const candidates = [',', ';', '\t', '|'];
const sepLine = /^"?sep=(.)"?$/i;
/** Rows that have to agree with the header about the delimiter. */
const comparedRows = 100;

/**
 * The dialect that the beginning of a CSV file has. An option decides without a look at the file.
 * @param sample text, from the beginning of the file
 * @throws WindrowError FILE_UNREADABLE if several delimiters are equally likely
 */
export function csvDialect(
  sample: Buffer,
  options: Pick<ReadOptions, 'delimiter' | 'quote'>,
  name: string,
): CsvDialect {
  const quote = options.quote === 'none' ? undefined : (options.quote ?? '"');
  const lineEnd = lineEndOf(sample, quote);
  const lines = sample.toString('utf8').split(lineEnd === 'cr' ? '\r' : /\r?\n/);
  const first = lines.findIndex((line) => !isBlank(Buffer.from(line)));
  const [, separator] = sepLine.exec(lines[first] ?? '') ?? [];
  const hasSepLine = separator !== undefined;
  const rest = lines.slice(first + (hasSepLine ? 1 : 0));
  const delimiter = options.delimiter ?? separator ?? delimiterOf(rest, quote, name);
  return { delimiter, quote, lineEnd, hasSepLine };
}

/** The first line end outside of quotes decides: cells may contain the other one. */
function lineEndOf(sample: Buffer, quote: string | undefined): LineEnd {
  const quoteByte = quote?.charCodeAt(0);
  let isQuoted = false;
  for (let at = 0; at < sample.length; at++) {
    const byte = sample[at];
    if (byte === quoteByte) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (byte === 0x0a) return 'lf';
    else if (byte === 0x0d) return sample[at + 1] === 0x0a ? 'lf' : 'cr';
  }
  return 'lf';
}

/** The delimiter of the header with which most rows have as many cells as the header. */
function delimiterOf(lines: string[], quote: string | undefined, name: string): string {
  const [header = '', ...rows] = lines.slice(0, comparedRows + 1).filter((line) => line.trim() !== '');
  const found = candidates
    .map((delimiter) => {
      const names = cellsIn(header, delimiter, quote);
      const agreeing = rows.filter((row) => Math.abs(cellsIn(row, delimiter, quote) - names) <= 1).length;
      return { delimiter, names, agreeing };
    })
    .filter(({ names }) => names > 1)
    .sort((a, b) => b.agreeing - a.agreeing || b.names - a.names);
  const [best, second] = found;
  if (!best) return ',';
  if (!second || best.agreeing > second.agreeing || best.names > second.names) return best.delimiter;
  const shown = [best, second].map(({ delimiter }) => JSON.stringify(delimiter)).join(' or ');
  const message = `${name}: its cells may be separated by ${shown}, as in the header ${header.slice(0, 80)}; name the delimiter with --delimiter.`;
  throw new WindrowError('FILE_UNREADABLE', message);
}

function cellsIn(line: string, delimiter: string, quote: string | undefined): number {
  try {
    const [cells = []] = parse(line, { delimiter, quote: quote ?? null, record_delimiter: ['\n'] });
    return cells.length;
  } catch {
    // A quote out of place, or a cell that goes on in the next line.
    return line.split(delimiter).length;
  }
}
