import avsc from 'avsc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonText, rawNumber } from '../json/json-text.ts';
import type { AvroRecordSchema, EventRecord } from './avro-record.ts';
import { avroType } from './avro-type.ts';
import { AvroCodec } from './codec.ts';
import type { AvroRegistry } from './registry.ts';

const recordOf = (type: unknown, more: object = {}): AvroRecordSchema => ({
  type: 'record',
  name: 'Sample',
  fields: [{ name: 'value', type, ...more }],
});

/** Avro's zigzag varint, by the letter of the specification. */
function varint(long: bigint): Buffer {
  const bytes: number[] = [];
  let bits = BigInt.asUintN(64, (long << 1n) ^ (long >> 63n));
  for (; bits > 0x7fn; bits >>= 7n) bytes.push(Number(bits & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(bits)]);
}

const header = Buffer.from([0, 0, 0, 0, 7]);

async function decoded(bytes: Buffer, reader: AvroRecordSchema, writer: AvroRecordSchema = reader) {
  const registry = { writerType: async () => avroType(writer) } as unknown as AvroRegistry;
  const [result] = await new AvroCodec(reader, registry).decode([Buffer.concat([header, bytes])]);
  return result?.ok ? result.record.value : `${result?.reason}: ${result?.message}`;
}

const codecOf = (schema: AvroRecordSchema) => new AvroCodec(schema, {} as AvroRegistry);
const exact = (long: bigint) => (long >= -(2n ** 53n - 1n) && long <= 2n ** 53n - 1n ? Number(long) : long);

/** The corners of int64, and of doubles. */
const corners = [0n, 31n, 32n, 52n, 53n, 62n, 63n]
  .flatMap((bits) => [-2n, -1n, 0n, 1n, 2n].flatMap((by) => [2n ** bits + by, -(2n ** bits) + by]))
  .filter((long) => BigInt.asIntN(64, long) === long);
const longs = fc.oneof(fc.constantFrom(...corners), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

const places: [
  name: string,
  type: unknown,
  wrap: (long: unknown) => unknown,
  bytes: (long: Buffer) => Buffer,
][] = [
  ['a field', 'long', (long) => long, (long) => long],
  ['a nullable field', ['null', 'long'], (long) => long, (long) => Buffer.concat([Buffer.of(2), long])],
  [
    'an array in a record',
    { type: 'record', name: 'Inner', fields: [{ name: 'all', type: { type: 'array', items: 'long' } }] },
    (long) => ({ all: [long] }),
    (long) => Buffer.concat([Buffer.of(2), long, Buffer.of(0)]),
  ],
  [
    'a map',
    { type: 'map', values: 'long' },
    (long) => ({ k: long }),
    (long) => Buffer.concat([Buffer.from([2, 2, 0x6b]), long, Buffer.of(0)]),
  ],
  [
    'a union with another number',
    ['null', 'long', 'double'],
    (long) => ({ long }),
    (long) => Buffer.concat([Buffer.of(2), long]),
  ],
  [
    'a time of microseconds',
    { type: 'long', logicalType: 'timestamp-micros' },
    (long) => long,
    (long) => long,
  ],
];

test.each(places)(
  'a long in %s is exact over its whole range, in and out',
  async (_name, type, wrap, bytesOf) => {
    const schema = recordOf(type);
    const codec = codecOf(schema);
    await fc.assert(
      fc.asyncProperty(longs, async (long) => {
        const bytes = bytesOf(varint(long));
        const value = wrap(exact(long));
        expect(await decoded(bytes, schema)).toEqual(value);
        expect(codec.encode({ value }, 7).subarray(5)).toEqual(bytes);
        // Code that has a bigint need not make it a number.
        expect(codec.encode({ value: wrap(long) }, 7).subarray(5)).toEqual(bytes);
      }),
    );
  },
);

test('a long that a newer schema no longer has is skipped, and an int becomes a long', async () => {
  const reader: AvroRecordSchema = {
    ...recordOf('long'),
    fields: [{ name: 'value', type: 'long' }],
  };
  const writer: AvroRecordSchema = {
    ...reader,
    fields: [
      { name: 'former', type: 'long' },
      { name: 'value', type: 'int' },
    ],
  };
  const bytes = Buffer.concat([varint(-(2n ** 63n)), varint(-5n)]);
  expect(await decoded(bytes, reader, writer)).toBe(-5);
});

test('a long that is read as a double or float is rounded to the nearest one, as Avro says, with its sign', async () => {
  await fc.assert(
    fc.asyncProperty(longs, fc.constantFrom('double', 'float'), async (long, type) => {
      expect(await decoded(varint(long), recordOf(type), recordOf('long'))).toBe(Number(long));
    }),
  );
});

test('a number that is no long is refused with its field and value', () => {
  const codec = codecOf(recordOf(['null', 'long']));
  for (const value of [0.5, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n, Number.NaN, '1', 1e300])
    expect(() => codec.encode({ value }, 7)).toThrow(`value is ${jsonText(value)}; expected`);
});

test('more than 64 bits are no long', async () => {
  const nine = Buffer.alloc(9, 0xff);
  for (const end of [[2], [0x7f], [0xff, 1], [0xff, 0xff, 0xff, 0x7f]])
    expect(await decoded(Buffer.concat([nine, Buffer.from(end)]), recordOf('long'))).toMatch(
      /^not_avro: .*64 bits/,
    );
  expect(await decoded(nine, recordOf('long'))).toMatch(/truncated/);
});

test('a default beyond 2^53 keeps its digits', async () => {
  const reader: AvroRecordSchema = {
    ...recordOf('long'),
    fields: [
      { name: 'other', type: 'int' },
      { name: 'value', type: 'long', default: rawNumber(2n ** 63n - 1n) },
    ],
  };
  const writer: AvroRecordSchema = { ...reader, fields: reader.fields.slice(0, 1) };
  expect(await decoded(varint(1n), reader, writer)).toBe(2n ** 63n - 1n);
  expect(JSON.stringify(reader)).toContain('"default":9223372036854775807');
});

test("a default beyond 2^53 in a writer's schema does no harm", () => {
  for (const value of [-(2 ** 63), 2 ** 63, 2 ** 53])
    expect(() => avroType(recordOf('long', { default: value }))).not.toThrow();
  expect(() => avroType(recordOf('long', { default: 0.5 }))).toThrow(/default/);
});

test('records of the usual values are those of avsc', () => {
  const schema: AvroRecordSchema = {
    type: 'record',
    name: 'Usual',
    fields: [
      { name: 'a', type: 'string' },
      { name: 'b', type: ['null', 'long'], default: null },
      { name: 'c', type: ['null', 'double'], default: null },
      { name: 'd', type: { type: 'fixed', name: 'F', size: 2 } },
    ],
  };
  const plain = avsc.Type.forSchema(schema as unknown as avsc.Schema);
  const type = avroType(schema);
  const record: EventRecord = { a: 'x', b: 1_700_000_000_000, c: 0.5, d: Buffer.from('ab') };
  expect(type.toBuffer(record)).toEqual(plain.toBuffer(record));
  expect({ ...type.fromBuffer(plain.toBuffer(record)) }).toEqual(record);
  expect(type.fingerprint()).toEqual(plain.fingerprint());
});
