import { randomUUID } from 'node:crypto';
import { beforeAll, expect, inject, test } from 'vitest';
import { loadStreams } from '../streams.ts';
import { topicsOf } from '../topics.ts';
import type { AvroRecordSchema } from './avro-record.ts';
import { AvroCodec } from './codec.ts';
import { AvroRegistry } from './registry.ts';

const { SCHEMA_REGISTRY_URL = '' } = inject('endpoints');
const registry = new AvroRegistry(SCHEMA_REGISTRY_URL);
const topic = `test-${randomUUID()}`;
const first: AvroRecordSchema = {
  type: 'record',
  name: `R${topic.replaceAll('-', '_')}`,
  fields: [
    { name: 'id', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};
const second: AvroRecordSchema = {
  ...first,
  fields: [{ name: 'note', type: ['null', 'string'], default: null }, ...first.fields],
};
let firstId: number;
let secondId: number;

beforeAll(async () => {
  firstId = await registry.register(topic, first);
  secondId = await registry.register(topic, second);
});

test('the same schema gives the same id, another one another', async () => {
  expect(await registry.register(topic, first)).toBe(firstId);
  expect(secondId).not.toBe(firstId);
});

test('a version that could not read what is there is refused, whoever registered before', async () => {
  const third = { ...second, fields: [...second.fields, { name: 'must', type: 'string' }] };
  await expect(registry.register(topic, third)).rejects.toMatchObject({
    code: 'SCHEMA_INCOMPATIBLE',
    retriable: false,
  });
});

test('versions in any order are read as the one that runs', async () => {
  const old = new AvroCodec(first, registry);
  const running = new AvroCodec(second, registry);
  const bytes = [
    old.encode({ id: 'a', at: 1 }, firstId),
    running.encode({ id: 'b', at: 2, note: 'n' }, secondId),
    old.encode({ id: 'c', at: 3 }, firstId),
  ];
  const decoded = await running.decode(bytes);
  expect(decoded.map((result) => (result.ok ? { ...result.record } : result))).toEqual([
    { note: null, id: 'a', at: 1 },
    { note: 'n', id: 'b', at: 2 },
    { note: null, id: 'c', at: 3 },
  ]);
  expect((await old.decode([bytes[1] ?? null]))[0]).toMatchObject({ ok: true, record: { id: 'b', at: 2 } });
});

test('what is no message of this kind is answered, and costs the others nothing', async () => {
  const codec = new AvroCodec(first, registry);
  const good = codec.encode({ id: 'a', at: 1 }, firstId);
  const unknown = Buffer.from(good);
  unknown.writeInt32BE(2_000_000_000, 1);
  const results = await codec.decode([
    null,
    Buffer.from('{"id":"a"}'),
    Buffer.alloc(3),
    good.subarray(0, good.length - 1),
    Buffer.concat([good, Buffer.from([0])]),
    unknown,
    good,
  ]);
  expect(results.map((result) => (result.ok ? 'ok' : result.reason))).toEqual([
    'empty',
    'not_avro',
    'not_avro',
    'not_avro',
    'not_avro',
    'unknown_schema',
    'ok',
  ]);
});

test('bytes of other framings are named, with the way out', async () => {
  const codec = new AvroCodec(first, registry);
  const framings: [bytes: Buffer, words: RegExp][] = [
    [Buffer.concat([Buffer.of(1), Buffer.alloc(20)]), /schema GUID.*PrefixSchemaIdSerializer/],
    [Buffer.concat([Buffer.of(3, 0), Buffer.alloc(20)]), /Glue/],
    [Buffer.from('Obj\u0001abc'), /container file/],
    [Buffer.of(0xc3, 1, 2, 3, 4, 5, 6, 7, 8, 9), /single-object/],
    [Buffer.from('{"id":"a"}'), /JSON/],
    [Buffer.concat([Buffer.alloc(8), Buffer.of(1, 2)]), /no Avro schema 0; .*eight bytes/],
  ];
  const results = await codec.decode(framings.map(([bytes]) => bytes));
  for (const [index, result] of results.entries())
    expect(result).toMatchObject({ ok: false, message: expect.stringMatching(framings[index]?.[1] ?? /^$/) });
});

test('a logical type that the former version could not be read as is refused at once', async () => {
  const micros = { type: 'long', logicalType: 'timestamp-micros' };
  const local = { type: 'long', logicalType: 'local-timestamp-millis' };
  const changed = (type: unknown): AvroRecordSchema => ({
    ...second,
    fields: second.fields.map((field) => (field.name === 'at' ? { ...field, type } : field)),
  });
  await expect(registry.register(topic, changed(local))).rejects.toMatchObject({
    code: 'SCHEMA_INCOMPATIBLE',
    message: expect.stringMatching(
      /the field at is written as long timestamp-millis and read as long local-/,
    ),
  });
  const microsId = await registry.register(topic, changed(micros));
  const bytes = new AvroCodec(first, registry).encode({ id: 'a', at: 1 }, firstId);
  const [decoded] = await new AvroCodec(changed(micros), registry).decode([bytes]);
  expect(decoded).toMatchObject({ ok: true, record: { at: 1000 } });
  // An instance of the former version that starts again registers what is registered.
  expect(await registry.register(topic, second)).toBe(secondId);
  expect(microsId).not.toBe(secondId);
});

test('a record that is not of the type names its fields', () => {
  const codec = new AvroCodec(first, registry);
  expect(() => codec.encode({ id: 7, at: 'x' }, firstId)).toThrow(/id is 7.*at is "x"/);
  const long = 'x'.repeat(100_000);
  expect(codec.encode({ id: long, at: 1 }, firstId).length).toBeGreaterThan(100_000);
});

test('a registry that is away is no reason to judge a message', async () => {
  const codec = new AvroCodec(first, new AvroRegistry('http://127.0.0.1:1'));
  const bytes = new AvroCodec(first, registry).encode({ id: 'a', at: 1 }, firstId);
  await expect(codec.decode([bytes])).rejects.toMatchObject({
    code: 'REGISTRY_UNAVAILABLE',
    retriable: true,
  });
}, 30_000);

test('the registry accepts all schemas of an installation', async () => {
  const contracts = await loadStreams();
  for (const { topic: spec, schema } of topicsOf(contracts)) {
    await expect(registry.register(`${topic}-${spec.name}`, schema)).resolves.toBeGreaterThan(0);
  }
});
