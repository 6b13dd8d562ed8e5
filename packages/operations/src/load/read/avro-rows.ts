import { promisify } from 'node:util';
import { inflateRaw, zstdDecompress } from 'node:zlib';
import { WindrowError } from '@windrow/runtime';
import avro, { type Type } from 'avsc';
import { snappyUncompress } from 'hyparquet';
import { type RowType, rowTypeOf } from './avro-row-type.ts';
import type { Item } from './item.ts';
import { jsonText } from './json-text.ts';
import { parseJson } from './parse-json.ts';

const namespace = 'org.apache.avro.file';
const headerType = avro.Type.forSchema({
  ...{ type: 'record', name: 'Header', namespace },
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
  ],
});
const blockType = avro.Type.forSchema({
  ...{ type: 'record', name: 'Block', namespace },
  fields: [
    { name: 'count', type: 'long' },
    { name: 'data', type: 'bytes' },
    { name: 'sync', type: { type: 'fixed', name: 'BlockSync', size: 16 } },
  ],
});

interface Header {
  meta: Record<string, Buffer>;
  sync: Buffer;
}

interface Block {
  count: number;
  data: Buffer;
  sync: Buffer;
}

type Decompress = (data: Buffer) => Promise<Uint8Array> | Uint8Array;
const codecs: Record<string, Decompress> = {
  null: (data) => data,
  deflate: promisify(inflateRaw) as Decompress,
  zstandard: promisify(zstdDecompress) as Decompress,
  snappy: unsnapped,
};

/**
 * The rows of an Avro object container file, as JSON records. `line` counts the rows.
 * @throws WindrowError FILE_UNREADABLE
 */
export async function* avroRows(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Item[]> {
  const refuse = (reason: string, cause?: unknown) =>
    new WindrowError('FILE_UNREADABLE', `${name} can't be read to its end: ${reason}.`, { cause });
  const reader = new ContainerReader(chunks);
  const header = (await reader.next(headerType)) as Header | undefined;
  if (!header) throw refuse('the header of an Avro file ends too early');
  const codec = header.meta['avro.codec']?.toString() ?? 'null';
  const decompress = codecs[codec];
  if (!decompress) {
    const known = Object.keys(codecs).join(', ');
    throw refuse(`its codec is ${codec}; write it with one of ${known}`);
  }
  let rows: RowType;
  try {
    rows = rowTypeOf(JSON.parse(String(header.meta['avro.schema'])));
  } catch (error) {
    throw refuse(`its schema is invalid: ${(error as Error).message}`, error);
  }
  let row = 0;
  for (;;) {
    const block = (await reader.next(blockType)) as Block | undefined;
    if (!block) break;
    if (!block.sync.equals(header.sync)) throw refuse(`its block after row ${row} is damaged`);
    const items: Item[] = [];
    try {
      const data = Buffer.from(await decompress(block.data));
      let at = 0;
      for (let n = 0; n < block.count; n++) {
        const { value, offset } = rows.type.decode(data, at);
        if (offset < 0) throw new Error('the block is too short');
        at = offset;
        row += 1;
        items.push(parseJson(Buffer.from(jsonText(rows.convert(value))), row));
      }
    } catch (error) {
      throw refuse(`its block after row ${row} is damaged (${(error as Error).message})`, error);
    }
    yield items;
  }
  if (reader.heldBytes > 0) throw refuse(`it ends within a block, after row ${row}`);
}

/** Decodes one value after the other from a stream. */
class ContainerReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  get heldBytes(): number {
    return this.#buffer.length;
  }

  /** Undefined if the stream ends before the value does. */
  async next(type: Type): Promise<unknown> {
    const parts = [this.#buffer];
    for (;;) {
      if (this.#buffer.length > 0) {
        const { value, offset } = type.decode(this.#buffer, 0);
        if (offset >= 0) {
          this.#buffer = this.#buffer.subarray(offset);
          return value;
        }
      }
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      parts.push(next.value);
      this.#buffer = Buffer.concat(parts);
    }
  }
}

/** Snappy without framing, and a checksum of four bytes. */
function unsnapped(data: Buffer): Uint8Array {
  let [length, at] = [0, 0];
  for (let byte = 0x80; byte >= 0x80; at += 1) {
    byte = data[at] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * at);
  }
  const output = new Uint8Array(length);
  snappyUncompress(data.subarray(0, -4), output);
  return output;
}
