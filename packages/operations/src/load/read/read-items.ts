import { CsvRecords } from './csv-records.ts';
import { type Item, maxItemBytes, type Splitter } from './item.ts';
import { JsonElements } from './json-elements.ts';
import { JsonLines } from './json-lines.ts';
import { isSpace } from './lines.ts';
import type { Input } from './open-input.ts';

export type Format = 'json-lines' | 'json-elements' | 'csv';

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const sampleBytes = maxItemBytes;

/**
 * Everything in a file, in order, in groups as the file is read; at most the sample, a chunk and one item are held. What the
 * file is, its content says. Error: FILE_UNREADABLE
 */
export async function* readItems(input: Input): AsyncGenerator<Item[]> {
  const chunks = input.chunks[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let headBytes = 0;
  let ended = false;
  while (headBytes < sampleBytes && !ended) {
    const next = await chunks.next();
    if (next.done) ended = true;
    else {
      head.push(next.value);
      headBytes += next.value.length;
    }
  }
  let sample: Buffer = Buffer.concat(head);
  if (sample.subarray(0, 3).equals(byteOrderMark)) sample = sample.subarray(3);

  // Always the same sample, however the bytes come: a load that goes on must find the same items.
  const whole = ended && sample.length <= sampleBytes;
  const splitter = splitterOf(detectFormat(sample.subarray(0, sampleBytes), whole), input.name);
  try {
    yield splitter.push(sample);
    for (let next = await chunks.next(); !next.done; next = await chunks.next())
      yield splitter.push(next.value);
    yield splitter.end();
  } finally {
    await chunks.return?.();
  }
}

/**
 * `sample` is the file's beginning, without a byte order mark; `whole` where it is all of it. JSON is read in one of two
 * ways: by its braces where that finds more objects, and else line by line. Damage must not decide: the braces of a damaged
 * line may enclose an inner object, but then what is around it makes more faults than the one of the line.
 */
export function detectFormat(sample: Buffer, whole: boolean): Format {
  const lastLineFeed = sample.lastIndexOf(0x0a);
  const text = whole || lastLineFeed === -1 ? sample : sample.subarray(0, lastLineFeed + 1);
  const first = text.find((byte) => !isSpace(byte));
  const lines = tally(new JsonLines(), text, whole);
  if (first !== 0x7b && first !== 0x5b) return lines.objectBytes > 0 ? 'json-lines' : 'csv';
  const elements = tally(new JsonElements(), text, whole);
  const findsMore = elements.objectBytes > lines.objectBytes;
  return findsMore && (lines.objectBytes === 0 || elements.faults <= lines.faults)
    ? 'json-elements'
    : 'json-lines';
}

function splitterOf(format: Format, name: string): Splitter {
  if (format === 'csv') return new CsvRecords(name);
  return format === 'json-lines' ? new JsonLines() : new JsonElements();
}

function tally(splitter: Splitter, text: Buffer, whole: boolean): { objectBytes: number; faults: number } {
  const items = splitter.push(text);
  if (whole) items.push(...splitter.end());
  let objectBytes = 0;
  let faults = 0;
  for (const item of items) {
    if (!item.ok) faults += 1;
    else if (isObject(item.value)) objectBytes += item.text.length;
  }
  return { objectBytes, faults };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
