import { describe, expect, it } from 'vitest';
import { loadStreams, streamNamed } from '../streams.ts';
import type { AvroRecordSchema, EventRecord } from './avro-record.ts';
import { avroType } from './avro-type.ts';
import { AvroCodec } from './codec.ts';
import type { AvroRegistry } from './registry.ts';

const weather = streamNamed(await loadStreams(), 'weather');
const header = Buffer.from([0, 0, 0, 0, 7]);
const own = { city: 'Bern', observed_at: 0, temperature_c: 1 };

/** A schema with more fields than the stream's. */
const writerWith = (...more: AvroRecordSchema['fields']): AvroRecordSchema => ({
  ...weather.schema,
  fields: [...more, ...weather.schema.fields],
});

async function decoded(writer: AvroRecordSchema, record: EventRecord, reader = weather.schema) {
  const type = avroType(writer);
  const registry = { writerType: async () => type } as unknown as AvroRegistry;
  const [result] = await new AvroCodec(reader, registry).decode([
    Buffer.concat([header, type.toBuffer(record)]),
  ]);
  return result?.ok ? result.record : result;
}

describe("a field of the writer's schema that the stream lacks", () => {
  it.each<[string, unknown, unknown, string]>([
    ['a text', 'string', 'a "b" \0 \\u0000', '"a \\"b\\" \ufffd \\\\u0000"'],
    ['a long', 'long', 2n ** 62n, String(2n ** 62n)],
    ['a double', 'double', 0.1, '0.1'],
    ['a list', { type: 'array', items: 'int' }, [1, 2], '[1,2]'],
    ['a map', { type: 'map', values: 'boolean' }, { a: true }, '{"a":true}'],
    ['an optional value', ['null', 'int'], 7, '7'],
    ['bytes', 'bytes', Buffer.from('x'), '"eA=="'],
  ])('is in _extra: %s', async (_, type, value, json) => {
    const writer = writerWith({ name: 'station', type });
    const record = await decoded(writer, { ...own, station: value });
    expect(record).toMatchObject({ city: 'Bern', _extra: `{"station":${json}}` });
  });

  it('is not there without a value, nor if the reader has no place for it', async () => {
    const writer = writerWith({ name: 'station', type: ['null', 'int'], default: null });
    expect(await decoded(writer, { ...own, station: null })).toMatchObject({ _extra: null });
    const reader = { ...weather.schema, fields: weather.schema.fields.slice(0, 4) };
    expect(await decoded(writer, { ...own, station: 1 }, reader)).not.toHaveProperty('_extra');
    expect(await decoded(weather.schema, own)).toMatchObject({ _extra: null });
  });

  it('is added to those that the writer has there', async () => {
    const writer = writerWith({ name: 'a', type: 'int' }, { name: 'b', type: 'int' });
    const extraOf = async (_extra: string) =>
      ((await decoded(writer, { ...own, a: 1, b: 2, _extra })) as EventRecord)._extra;
    expect(await extraOf('{"n":157963456373623803,"a":9}')).toBe('{"n":157963456373623803,"a":1,"b":2}');
    expect(await extraOf('{"a":')).toBe('{"a":');
  });

  it('is under the name of an alias of the reader no unread field', async () => {
    const [first, ...others] = weather.schema.fields;
    const renamed = { ...first, name: 'place', aliases: ['city'] } as AvroRecordSchema['fields'][number];
    const reader = { ...weather.schema, fields: [renamed, ...others] };
    expect(await decoded(weather.schema, own, reader)).toMatchObject({ place: 'Bern', _extra: null });
  });
});
