import { isJsonObject } from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import { avroRows } from './avro-rows.ts';
import { csvDialect } from './csv-dialect.ts';
import { CsvRecords } from './csv-records.ts';
import { fileKindOf } from './file-kind.ts';
import { type Item, maxItemBytes, type Splitter } from './item.ts';
import { JsonElements } from './json-elements.ts';
import { JsonLines } from './json-lines.ts';
import { isBlank, isSpace } from './lines.ts';
import type { Input } from './open-input.ts';
import { openObjectPath } from './open-object.ts';
import { parquetRows } from './parquet-rows.ts';
import { PathElements } from './path-elements.ts';
import { type Peeked, peek } from './peeked.ts';
import type { ReadOptions } from './read-options.ts';
import { decoded, textEncodingOf } from './text-encoding.ts';

export type Format = 'json-lines' | 'json-elements' | 'csv';

const sampleBytes = maxItemBytes;

/** Items that follow each other in a file. `isCsv`: their values are texts, of cells. */
export interface ItemGroup {
  items: Item[];
  isCsv: boolean;
}

/**
 * Reads the items of a file in order, in groups. It holds at most the sample, a chunk and one item in memory. The content
 * decides about the format. All of it that can be known from the sample is known before the first group.
 * @throws WindrowError FILE_UNREADABLE if the file is of another format, or has bytes but no item
 */
export async function* readItems(input: Input, options: ReadOptions = {}): AsyncGenerator<ItemGroup> {
  const content = await peek(input.chunks, sampleBytes);
  let isEmpty = true;
  for await (const group of itemGroups(input, content, options)) {
    if (group.items.length === 0) continue;
    isEmpty = false;
    yield group;
  }
  if (!isEmpty || content.sample.length === 0) return;
  const held = isBlank(content.sample) ? 'holds only white space' : 'holds no record';
  throw new WindrowError(
    'FILE_UNREADABLE',
    `${input.name} ${held}, in ${content.sample.length} bytes or more.`,
  );
}

async function* itemGroups(input: Input, content: Peeked, options: ReadOptions): AsyncGenerator<ItemGroup> {
  const { name } = input;
  const kind = fileKindOf(content.sample, name);
  if (kind !== 'text') {
    const rows = kind === 'avro' ? avroRows(name, content.chunks()) : parquetRows(name, content.chunks());
    for await (const items of rows) yield { items: pathsOf(items, options), isCsv: false };
    return;
  }
  const { decoder, markBytes } = textEncodingOf(content.sample, content.whole, options.encoding, name);
  const bytes = content.chunks(markBytes);
  const text = decoder === undefined ? bytes : decoded(bytes, decoder, name);
  yield* textGroups(name, await peek(text, sampleBytes), options);
}

async function* textGroups(name: string, text: Peeked, options: ReadOptions): AsyncGenerator<ItemGroup> {
  // JSON has line ends only between its signs.
  const isCr = text.sample.includes(0x0d) && !text.sample.includes(0x0a);
  const jsonSample = isCr ? withLineFeeds(text.sample) : text.sample;
  const format = detectFormat(jsonSample, text.whole);
  const isCsv = format === 'csv';
  const splitter = splitterOf(format, isCsv ? text : { ...text, sample: jsonSample }, options, name);
  for await (const chunk of text.chunks()) {
    yield { items: splitter.push(isCr && !isCsv ? withLineFeeds(chunk) : chunk), isCsv };
  }
  yield { items: splitter.end(), isCsv };
}

function withLineFeeds(chunk: Buffer): Buffer {
  return Buffer.from(chunk.map((byte) => (byte === 0x0d ? 0x0a : byte)));
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

function splitterOf(format: Format, { sample, whole }: Peeked, options: ReadOptions, name: string): Splitter {
  const { path } = options;
  if (format === 'csv') {
    if (!path) return new CsvRecords(name, csvDialect(sample, options, name));
    throw new WindrowError('FILE_UNREADABLE', `${name} is CSV; --path is for JSON, Parquet and Avro.`);
  }
  if (path) return new PathElements(path);
  const open = whole ? undefined : openObjectPath(sample);
  if (open === undefined) return format === 'json-lines' ? new JsonLines() : new JsonElements();
  const wayOut = open === '' ? '' : `, and holds an array: load its elements with --path '${open}'`;
  const message = `${name}: its first JSON object is longer than ${maxItemBytes} bytes${wayOut}.`;
  throw new WindrowError('FILE_UNREADABLE', message);
}

function pathsOf(items: Item[], { path }: ReadOptions): Item[] {
  if (!path) return items;
  return items.flatMap((item) => {
    const elements = new PathElements(path);
    const found = [...elements.push(item.text), ...elements.end()];
    return found.map((each) => ({ ...each, line: item.line }));
  });
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
