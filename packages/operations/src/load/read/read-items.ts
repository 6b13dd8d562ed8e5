import { isJsonObject } from '@windrow/contracts';
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
 * Reads the items of a file in order, in groups. It holds at most the sample, a chunk and one item in memory. The content
 * decides about the format.
 * @throws WindrowError FILE_UNREADABLE
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

  // The sample must not depend on the chunks: a load that continues has to find the same items.
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
 * JSON is read by its braces if that finds more objects, and line by line otherwise. Damage must not decide: the braces of a
 * damaged line may enclose an inner object, but the text around it then gives more damaged items than the line alone.
 * @param sample the beginning of the file, without a byte order mark
 * @param whole whether the sample is the whole file
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
    else if (isJsonObject(item.value)) objectBytes += item.text.length;
  }
  return { objectBytes, faults };
}
