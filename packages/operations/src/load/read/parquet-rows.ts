import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WindrowError } from '@windrow/runtime';
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { Item } from './item.ts';
import { clockText, Digits, dateText, jsonText, type TimeUnit, timeText } from './json-text.ts';
import { parseJson } from './parse-json.ts';

const rowsInGroup = 1_000;

/**
 * The rows of a Parquet file, as JSON records. `line` counts the rows. The format has to be read from its end: the file is
 * stored in the directory for temporary files meanwhile. A row group is held in memory.
 * @throws WindrowError FILE_UNREADABLE
 */
export async function* parquetRows(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Item[]> {
  const directory = await mkdtemp(path.join(tmpdir(), 'windrow-parquet-'));
  const handle = await open(path.join(directory, 'file.parquet'), 'wx+');
  try {
    for await (const chunk of chunks) await handle.appendFile(chunk);
    yield* rowsOf(bufferOf(handle, (await handle.stat()).size));
  } catch (error) {
    if (error instanceof WindrowError || !(error instanceof Error)) throw error;
    const message = `${name} can't be read to its end: as Parquet: ${error.message}.`;
    throw new WindrowError('FILE_UNREADABLE', message, { cause: error });
  } finally {
    await handle.close();
    await rm(directory, { recursive: true });
  }
}

async function* rowsOf(file: AsyncBuffer): AsyncGenerator<Item[]> {
  const metadata = await parquetMetadataAsync(file);
  const rowValue = converterOf(parquetSchema(metadata));
  withoutAnnotations(metadata);
  let row = 0;
  let groupStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const groupEnd = groupStart + Number(num_rows);
    const rows: Record<string, unknown>[] = await new Promise((resolve, reject) => {
      const range = { rowStart: groupStart, rowEnd: groupEnd, rowFormat: 'object' as const };
      const options = { file, metadata, compressors, utf8: false, parsers, ...range, onComplete: resolve };
      parquetRead(options).catch(reject);
    });
    for (let at = 0; at < rows.length; at += rowsInGroup) {
      yield rows.slice(at, at + rowsInGroup).map((each) => {
        row += 1;
        return parseJson(Buffer.from(jsonText(rowValue(each))), row);
      });
    }
    groupStart = groupEnd;
  }
}

function bufferOf(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start);
      await handle.read(bytes, 0, bytes.length, start);
      return bytes.buffer;
    },
  };
}

/** The old type of timestamps has no annotation. */
const parsers = { timestampFromNanoseconds: (nanos: bigint) => timeText(nanos, 'ns', 'Z') };

/** hyparquet makes doubles of decimals and milliseconds of times: it is given the stored values to read. */
function withoutAnnotations({ schema }: FileMetaData): void {
  for (const element of schema) {
    if (element.num_children || element.type === undefined || isKept(element)) continue;
    delete element.converted_type;
    delete element.logical_type;
  }
}

/** Texts, and integers without a sign. */
function isKept({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return (
    /^(?:UTF8|ENUM|U?INT_\d+)$/.test(converted ?? '') ||
    /^(?:STRING|ENUM|INTEGER|UUID|FLOAT16)$/.test(logical?.type ?? '')
  );
}

type Convert = (value: unknown) => unknown;

/** Converts the values of a column, and of the columns in it. */
function converterOf({ element, children }: SchemaTree): Convert {
  const [first] = children;
  if (!first) return leafOf(element);
  if (element.converted_type === 'MAP' || element.converted_type === 'MAP_KEY_VALUE') {
    const value = converterOf(first.children[1] ?? first);
    return (map) => mapped(map, () => value);
  }
  if (element.converted_type === 'LIST') {
    return each(converterOf(first.children.length === 1 ? (first.children[0] ?? first) : first));
  }
  const members = new Map(children.map((child) => [child.element.name, each(converterOf(child))]));
  return each((struct) => mapped(struct, (name) => members.get(name)));
}

const each =
  (convert: Convert): Convert =>
  (value) =>
    Array.isArray(value) ? value.map(each(convert)) : convert(value);

function mapped(value: unknown, convertOf: (name: string) => Convert | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, of]) => [name, (convertOf(name) ?? ((same) => same))(of)]),
  );
}

function leafOf({ converted_type: converted, logical_type: logical, scale = 0 }: SchemaElement): Convert {
  const [, kind, unitName] = /^(TIMESTAMP|TIME)_(MILLIS|MICROS)$/.exec(converted ?? '') ?? [];
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL')
    return present((value) => decimal(value, scale));
  if (converted === 'DATE' || logical?.type === 'DATE') return present((days) => dateText(Number(days)));
  if (logical?.type === 'TIMESTAMP' || logical?.type === 'TIME') {
    const unit = units[logical.unit];
    const zone = logical.isAdjustedToUTC ? 'Z' : '';
    if (logical.type === 'TIME') return present((value) => clockText(BigInt(value as number), unit));
    return present((value) => timeText(BigInt(value as number), unit, zone));
  }
  if (unitName !== undefined) {
    const unit = units[unitName as 'MILLIS' | 'MICROS'];
    return kind === 'TIME'
      ? present((value) => clockText(BigInt(value as number), unit))
      : present((value) => timeText(BigInt(value as number), unit, 'Z'));
  }
  return (value) => value;
}

const units = { MILLIS: 'ms', MICROS: 'us', NANOS: 'ns' } satisfies Record<string, TimeUnit>;

const present =
  (convert: Convert): Convert =>
  (value) =>
    value === null || value === undefined ? null : convert(value);

function decimal(value: unknown, scale: number): Digits {
  return value instanceof Uint8Array
    ? Digits.ofBytes(value, scale)
    : Digits.ofDecimal(BigInt(value as number), scale);
}
