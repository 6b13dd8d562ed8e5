import { deflateRawSync, zstdCompressSync } from 'node:zlib';
import avro from 'avsc';
import { describe, expect, it } from 'vitest';
import { rowTypeOf } from './avro-row-type.ts';
import { avroRows } from './avro-rows.ts';
import type { Item } from './item.ts';

const schema: avro.Schema = {
  type: 'record',
  name: 'Row',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: ['null', 'string'] },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'local', type: ['null', { type: 'long', logicalType: 'local-timestamp-millis' }] },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 2 } },
    { name: 'choice', type: ['null', 'int', 'double'] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'more', type: { type: 'map', values: 'long' } },
  ],
} as avro.Schema;

const { type } = rowTypeOf(schema);

const row = (id: bigint) => ({
  id,
  name: { string: `n ${id}` },
  at: 1_795_856_400_123_456n,
  local: { long: -1n },
  day: 20_785,
  amount: Buffer.from('ffbd12edc4f427dfc5ec', 'hex'),
  choice: { double: 0.1 },
  tags: ['a', 'ü'],
  more: { x: 2n ** 62n },
});
const json = (id: bigint) =>
  `{"id":${id},"name":"n ${id}","at":"2026-11-28T09:00:00.123456Z","local":"1969-12-31T23:59:59.999","day":"2026-11-28","amount":-12345678901234567890.12,"choice":0.1,"tags":["a","ü"],"more":{"x":4611686018427387904}}`;
const extremes = [-(2n ** 63n), 2n ** 63n - 1n, -(2n ** 53n), -(2n ** 52n) - 1n, 0n];

function container(codec: string, compress: (data: Buffer) => Buffer, ids = extremes): Buffer {
  const header = avro.Type.forSchema({
    type: 'record',
    name: 'Header',
    fields: [
      { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
      { name: 'meta', type: { type: 'map', values: 'bytes' } },
      { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
    ],
  });
  const block = avro.Type.forSchema({
    type: 'record',
    name: 'Block',
    fields: [
      { name: 'count', type: 'long' },
      { name: 'data', type: 'bytes' },
      { name: 'sync', type: { type: 'fixed', name: 'BlockSync', size: 16 } },
    ],
  });
  const sync = Buffer.alloc(16, 7);
  const meta = { 'avro.codec': Buffer.from(codec), 'avro.schema': Buffer.from(JSON.stringify(schema)) };
  const data = compress(Buffer.concat(ids.map((id) => type.toBuffer(row(id)))));
  const one = block.toBuffer({ count: ids.length, data, sync });
  return Buffer.concat([header.toBuffer({ magic: Buffer.from('Obj\x01'), meta, sync }), one, one]);
}

async function read(bytes: Buffer, chunkBytes = 11): Promise<Item[]> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const items: Item[] = [];
  for await (const group of avroRows('rows.avro', chunks())) items.push(...group);
  return items;
}

/** Snappy with one literal. */
function snapped(data: Buffer): Buffer {
  const length = [];
  for (let rest = data.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  const literal = Buffer.from([61 << 2, (data.length - 1) & 0xff, (data.length - 1) >> 8]);
  return Buffer.concat([Buffer.from(length), literal, data, Buffer.alloc(4)]);
}

describe('an Avro container file', () => {
  it.each<[string, (data: Buffer) => Buffer]>([
    ['null', (data) => data],
    ['deflate', (data) => deflateRawSync(data)],
    ['zstandard', (data) => zstdCompressSync(data)],
    ['snappy', snapped],
  ])('with the codec %s is read, each value exactly', async (codec, compress) => {
    const items = await read(container(codec, compress));
    expect(items.map(({ text }) => text.toString())).toEqual([...extremes, ...extremes].map(json));
    expect(items.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('is refused with another codec, when it is cut off, and when it is damaged', async () => {
    const bytes = container('null', (data) => data);
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, bytes.length - 16);
    for (const [wrong, message] of [
      [
        container('bzip2', (data) => data),
        /^rows\.avro can't be read to its end: its codec is bzip2; write it with/,
      ],
      [bytes.subarray(0, -20), /ends within a block, after row 5/],
      [bytes.subarray(0, 50), /header of an Avro file ends too early/],
      [damaged, /block after row 5 is damaged/],
    ] as const) {
      const expected = { code: 'FILE_UNREADABLE', message: expect.stringMatching(message) };
      await expect(read(wrong)).rejects.toMatchObject(expected);
    }
  });
});
