import { randomUUID } from 'node:crypto';
import {
  AvroCodec,
  AvroRegistry,
  loadStreams,
  type StreamContract,
  streamNamed,
  type TopicSpec,
} from '@windrow/contracts';
import { beforeAll, expect, inject, test } from 'vitest';
import type { FetchedBatch, InputRecord } from './broker.ts';
import { deadLetterOf } from './dead-letter.ts';
import { decodeAndCheck } from './decode-and-check.ts';

const { SCHEMA_REGISTRY_URL = '' } = inject('endpoints');
const registry = new AvroRegistry(SCHEMA_REGISTRY_URL);
const weather = streamNamed(await loadStreams(), 'weather');
const codec = new AvroCodec(weather.schema, registry);
const observedAtMs = Date.parse('2024-01-01T00:00:00Z');
let schemaId: number;

beforeAll(async () => {
  schemaId = await registry.register(`test-${randomUUID()}`, weather.schema);
});

const input = (offset: number, value: Buffer | null): InputRecord => ({
  offset,
  value,
  timestampMs: 1,
  key: Buffer.from('k'),
  headers: { source: 'test' },
});
const observation = (values: object) =>
  codec.encode({ city: 'Oslo', observed_at: observedAtMs, ...values }, schemaId);
const batchOf = (records: InputRecord[]): FetchedBatch => ({
  topic: 'weather.raw',
  partition: 2,
  records,
  firstOffset: 0,
  nextOffset: records.length,
  endOffset: records.length,
});

test('each record has its outcome, in order: bytes first, then rules', async () => {
  const outcomes = await decodeAndCheck(
    weather,
    codec,
    batchOf([
      input(0, observation({ temperature_c: 1 })),
      input(1, Buffer.from('nonsense')),
      input(2, observation({ temperature_c: Number.NaN })),
      input(3, observation({ temperature_c: 2, humidity: 3 })),
      input(4, observation({ temperature_c: 2, observed_at: 9e15 })),
      input(5, observation({ temperature_c: 2, observed_at: 10n ** 16n })),
    ]),
  );
  expect(
    outcomes.map((outcome) =>
      outcome.kind === 'deadLetter' ? `${outcome.stage}/${outcome.reason}` : outcome.kind,
    ),
  ).toEqual([
    'ok',
    'decode/not_avro',
    'rules/temperature_c_out_of_range',
    'ok',
    'rules/observed_at_out_of_range',
    // The raw table has the records that break a rule, but it can't hold this time.
    'decode/value_not_convertible',
  ]);
  const note = { field: 'humidity', reason: 'humidity_out_of_range', value: '3' };
  expect(outcomes[0]).not.toHaveProperty('notes');
  expect(outcomes[3]).toMatchObject({
    record: { temperature_c: 2, humidity: null, _quality: JSON.stringify([note]) },
    notes: [note],
  });
});

test('a record whose schema is named in a header is rejected by that name, whatever its bytes look like', async () => {
  const headers = ['__value_schema_id', 'apicurio.value.globalId', 'value.schema.version.id'];
  const records = headers.map((name, offset) => ({
    ...input(offset, observation({ temperature_c: 1 })),
    headers: { [name]: '\u0001guid' },
  }));
  const outcomes = await decodeAndCheck(weather, codec, batchOf([...records, input(3, null)]));
  expect(outcomes.slice(0, 3)).toEqual(
    headers.map((name, index) =>
      expect.objectContaining({
        ...{ kind: 'deadLetter', stage: 'decode', reason: 'schema_id_in_header', input: records[index] },
        message: expect.stringContaining(`is in the header ${name}; Windrow reads it from the value only`),
      }),
    ),
  );
  // Keys are not decoded.
  const keyed = { ...input(0, observation({ temperature_c: 1 })), headers: { __key_schema_id: 'guid' } };
  expect((await decodeAndCheck(weather, codec, batchOf([keyed])))[0]?.kind).toBe('ok');
});

test('a record without a value is a deletion in a compacted topic, and a dead letter elsewhere', async () => {
  const outcomeIn = async (cleanup: TopicSpec['cleanup']) => {
    const raw = { ...weather.topics.raw, cleanup };
    return (await decodeAndCheck({ ...weather, topics: { raw } }, codec, batchOf([input(0, null)])))[0];
  };
  expect(await outcomeIn('compact')).toMatchObject({ kind: 'drop', reason: 'deletion' });
  expect(await outcomeIn('delete')).toMatchObject({ kind: 'deadLetter', stage: 'decode', reason: 'empty' });
});

test('a rule that throws costs only the record it threw at', async () => {
  const throwing: StreamContract = {
    ...weather,
    rules: [
      {
        reason: 'x',
        check: (record) => {
          if (record.temperature_c === 13) throw new Error('thirteen');
          return null;
        },
      },
    ],
  };
  const records = [
    input(0, observation({ temperature_c: 13 })),
    input(1, observation({ temperature_c: 14 })),
  ];
  const [first, second] = await decodeAndCheck(throwing, codec, batchOf(records));
  expect(first).toMatchObject({
    kind: 'deadLetter',
    stage: 'rules',
    reason: 'rule_failed',
    message: 'thirteen',
  });
  expect(second?.kind).toBe('ok');
});

test('texts that a store can not hold are rejected, whoever wrote them, and JSON columns must hold JSON', async () => {
  const track = streamNamed(await loadStreams(), 'track');
  const trackCodec = new AvroCodec(track.schema, registry);
  const id = await registry.register(`test-${randomUUID()}`, track.schema);
  const sound = { event_id: 'e', type: 'track', event_name: 'E', user_id: 'u', occurred_at: observedAtMs };
  const reasonOf = async (values: object) => {
    const value = trackCodec.encode({ ...sound, received_at: observedAtMs, ...values }, id);
    const [outcome] = await decodeAndCheck(track, trackCodec, batchOf([input(0, value)]));
    return outcome?.kind === 'deadLetter' ? `${outcome.stage}/${outcome.reason}` : outcome?.kind;
  };
  const cases: [object, string][] = [
    [{ properties: '{"a":{"b":[1.5,"x"]}}', context: ' {"n":1e400,"t":"\\u00e9"} ' }, 'ok'],
    [{ properties: '[]', traits: '7' }, 'ok'],
    [{ event_name: 'a\0b' }, 'rules/event_name_invalid'],
    [{ event_id: '\0' }, 'rules/event_id_invalid'],
    [{ properties: '' }, 'rules/properties_invalid'],
    [{ properties: '{"a":1' }, 'rules/properties_invalid'],
    [{ traits: "{'a':1}" }, 'rules/traits_invalid'],
    [{ context: '{"a":NaN}' }, 'rules/context_invalid'],
    [{ properties: '{"a":"\\u0000"}' }, 'rules/properties_invalid'],
    [{ properties: '{"\\ud83d":1}' }, 'rules/properties_invalid'],
    [{ properties: '{"a":1e131072}' }, 'rules/properties_out_of_range'],
    [{ properties: `{"a":${'['.repeat(64)}${']'.repeat(64)}}` }, 'rules/properties_invalid'],
  ];
  for (const [values, expected] of cases)
    expect(await reasonOf(values), JSON.stringify(values)).toBe(expected);
});

test('a dead letter keeps the bytes and says where they lay', async () => {
  const [outcome] = await decodeAndCheck(weather, codec, batchOf([input(7, Buffer.from('nonsense'))]));
  if (outcome?.kind !== 'deadLetter') throw new Error('expected a dead letter');
  const from = { stream: 'weather', topic: 'weather.raw', partition: 2, service: 'enricher', version: '1' };
  expect(deadLetterOf(outcome, from)).toMatchObject({
    stage: 'decode',
    topic: 'weather.raw',
    partition: 2,
    offset: 7,
    value: Buffer.from('nonsense'),
    headers: { source: 'test' },
  });
});
