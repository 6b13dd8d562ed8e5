import { Readable } from 'node:stream';
import {
  type EventRecord,
  loadStreams,
  parseInput,
  type StreamContract,
  streamNamed,
} from '@windrow/contracts';
import { describe, expect, it } from 'vitest';
import { batchRouteOf, messagesIn } from './batches.ts';
import { readItems } from './read/read-items.ts';
import { recordPath } from './read/record-path.ts';
import { type CheckOptions, RecordCheck } from './record-check.ts';

const contracts = await loadStreams();
const weather = streamNamed(contracts, 'weather');
const track = streamNamed(contracts, 'track');

/** What of a file is loaded: values, and the reasons of rejected rows. */
async function load(contract: StreamContract, text: string, options: CheckOptions = {}) {
  const input = { name: 'data', bytesRead: () => 0, chunks: Readable.from([Buffer.from(text)]) };
  const check = new RecordCheck('data', contract, options);
  const route = options.path ? undefined : batchRouteOf(contract);
  const rows: unknown[] = [];
  let isFirst = true;
  for await (const { items, isCsv } of readItems(input, options)) {
    const records = items.flatMap((item) => messagesIn(item, route));
    if (isFirst) check.refuseFirst({ items: records, isCsv });
    isFirst = false;
    for (const record of records) {
      const item = check.checked(record, isCsv);
      rows.push(item.ok ? item.value : item.reason);
    }
  }
  return { rows, unknown: Object.fromEntries(check.unknownFields) };
}

const refusal = async (contract: StreamContract, text: string, options: CheckOptions = {}) =>
  load(contract, text, options).then(
    ({ rows }) => `was loaded: ${JSON.stringify(rows)}`,
    (error: Error & { code?: string }) => `${error.code} ${error.message}`,
  );

const path = (text: string) => ({ path: recordPath(text) ?? [] });
const event = {
  type: 'track',
  event: 'E',
  messageId: 'm',
  anonymousId: 'a',
  timestamp: '2026-11-28T09:00:00Z',
};
const observation = { city: 'Bern', observed_at: '2026-11-28T09:00:00Z', temperature_c: 3.1 };
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

describe('records in an envelope', () => {
  it.each<[string, unknown, string]>([
    ['{"data":[…]}', { data: [event, event], page: 1 }, 'data[*]'],
    [
      'a list deeper within',
      { meta: { count: 1 }, result: { rows: [{ value: event }] } },
      'result.rows[*].value',
    ],
    [
      'GeoJSON',
      { type: 'FeatureCollection', features: [{ type: 'Feature', geometry: null, properties: event }] },
      'features[*].properties',
    ],
    ['a GeoJSON feature', { type: 'Feature', geometry: null, properties: event }, 'properties'],
    ['Debezium', { before: null, after: event, source: {}, op: 'c', ts_ms: 1 }, 'after'],
    [
      'Debezium with a schema',
      { schema: {}, payload: { before: null, after: event, op: 'u' } },
      'payload.after',
    ],
    ['Kafka Connect', { schema: { type: 'struct' }, payload: event }, 'payload'],
    ['CloudEvents', { specversion: '1.0', id: '1', source: '/x', type: 't', data: event }, 'data'],
    [
      'CloudEvents in Base64',
      { specversion: '1.0', id: '1', type: 't', data_base64: base64(event) },
      'data_base64',
    ],
    ['SNS', { Type: 'Notification', TopicArn: 'arn:x', Message: JSON.stringify(event) }, 'Message'],
    ['SQS', { Records: [{ messageId: '1', body: JSON.stringify(event) }] }, 'Records[*].body'],
    ['messages of SQS', { Messages: [{ MessageId: '1', Body: JSON.stringify(event) }] }, 'Messages[*].Body'],
    ['SNS to Lambda', { Records: [{ Sns: { Message: JSON.stringify(event) } }] }, 'Records[*].Sns.Message'],
    ['Kinesis', { Records: [{ kinesis: { data: base64(event) } }] }, 'Records[*].kinesis.data'],
    ['Firehose', { records: [{ recordId: '1', data: base64(event) }] }, 'records[*].data'],
    ['Pub/Sub', { message: { data: base64(event), messageId: '1' }, subscription: 's' }, 'message.data'],
    ['EventBridge', { version: '0', 'detail-type': 't', source: 's', detail: event }, 'detail'],
    ['Elasticsearch', { took: 1, hits: { hits: [{ _id: '1', _source: event }] } }, 'hits.hits[*]._source'],
  ])('of %s are named, and loaded by their path', async (_, envelope, at) => {
    for (const text of [JSON.stringify(envelope), JSON.stringify([envelope, envelope], null, 1)]) {
      expect(await refusal(track, text)).toMatch(/^FILE_UNREADABLE data: it holds .*--path '/);
      expect(await refusal(track, text)).toContain(`--path '${at}'`);
      const { rows } = await load(track, text, path(at));
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toEqual(event);
    }
  });

  it('are not looked for in fields that the stream has', async () => {
    const fields = [...weather.schema.fields, { name: 'data', type: ['null', 'string'] }];
    const own = { ...weather, schema: { ...weather.schema, fields } };
    const text = JSON.stringify({ ...observation, specversion: '1.0', data: 'x' });
    expect((await load(own, text)).rows).toHaveLength(1);
  });

  it('are not looked for in a record that is more than what it holds', async () => {
    const record = { ...event, cart: [{ type: 'x', event: 'y' }], integrations: { All: true } };
    expect((await load(track, JSON.stringify(record))).rows).toEqual([record]);
  });

  it('one among other rows is rejected alone, and so is a row without any field of the stream', async () => {
    const lines = [event, event, { op: 'c', after: event }, { x: 1 }, event].map((each) =>
      JSON.stringify(each),
    );
    expect((await load(track, lines.join('\n'))).rows).toEqual([
      event,
      event,
      'envelope',
      'no_known_field',
      event,
    ]);
  });

  it('at a path where nothing is, are refused; a row without them is rejected', async () => {
    expect(await refusal(track, JSON.stringify({ data: [event] }), path('rows[*]'))).toMatch(
      /FILE_UNREADABLE data: nothing is at rows\[\*\] in it; it begins with \{"data":\[\{"type"/,
    );
    const text = `${JSON.stringify({ data: event })}\n${JSON.stringify(event)}\n`;
    expect((await load(track, text, path('data'))).rows).toEqual([event, 'path_missing']);
  });

  it('larger than a record are named before a row is sent', async () => {
    const text = JSON.stringify({ head: 1, data: Array.from({ length: 20_000 }, () => event) }, null, 1);
    expect(await refusal(track, text)).toMatch(
      /FILE_UNREADABLE data: its first JSON object.*--path 'data\[\*\]'/,
    );
    expect((await load(track, text, path('data[*]'))).rows).toHaveLength(20_000);
  });
});

describe('saved batches of a stream that takes batches', () => {
  const context = { location: { city: 'Bern' } };
  it('are loaded message by message, one or one a line', async () => {
    const batch = { batch: [event, { ...event, messageId: 'n' }], sentAt: '2026-11-28T09:00:01Z', context };
    const messages = batch.batch.map((each) => ({ ...each, sentAt: batch.sentAt, context }));
    expect((await load(track, JSON.stringify(batch))).rows).toEqual(messages);
    expect((await load(track, JSON.stringify(batch, null, 2))).rows).toEqual(messages);
    const lines = `${JSON.stringify(batch)}\n${JSON.stringify({ batch: 7 })}\n${JSON.stringify({ batch: [], context: 'x' })}\n${JSON.stringify(batch)}`;
    expect((await load(track, lines)).rows).toEqual([
      ...messages,
      'no_known_field',
      'not_a_batch',
      ...messages,
    ]);
  });

  it('are an envelope for others', async () => {
    expect(await refusal(weather, JSON.stringify({ batch: [observation] }))).toContain(`--path 'batch[*]'`);
  });
});

describe('columns', () => {
  it('that no field takes are counted by their values', async () => {
    const text =
      'city,observed_at,temperature_c,station,note\nBern,2026-11-28,3,B1,\nBern,2026-11-29,3,B1,x\n';
    expect((await load(weather, text)).unknown).toEqual({ station: 2, note: 1 });
    const lines = [{ ...event, shoe: 1 }, event, { ...event, shoe: null, integrations: { All: true } }];
    expect((await load(track, lines.map((each) => JSON.stringify(each)).join('\n'))).unknown).toEqual({
      shoe: 1,
    });
  });

  it('are an error if told so: at the beginning for the file, later for the row', async () => {
    const text = 'city,observed_at,temperature_c,station\nBern,2026-11-28,3,\n';
    expect(await refusal(weather, text, { strict: true })).toBe(
      'FILE_UNREADABLE data: no field of weather takes station (1); it is loaded without --strict.',
    );
    const line = `${JSON.stringify(observation)}\n`;
    const many = line.repeat(Math.ceil(1_100_000 / line.length));
    const { rows } = await load(weather, `${many}${JSON.stringify({ ...observation, station: 'B1' })}\n`, {
      strict: true,
    });
    expect(rows.at(-1)).toBe('field_unknown');
    expect(rows.filter((row) => typeof row === 'string')).toHaveLength(1);
  });

  it('of which the stream takes none make the file another one', async () => {
    expect(await refusal(weather, 'a^b^c\n1^2^3\n')).toMatch(
      /^FILE_UNREADABLE data: none of its columns is one of weather: it has a\^b\^c, and weather takes city, .*--delimiter\.$/,
    );
    expect(await refusal(weather, 'Bern,2026-11-28,3.1\nBern,2026-11-29,3.2\n')).toContain(
      'none of its columns',
    );
    expect(await refusal(weather, '{"a":1}\n{"b":1}\n')).toContain(
      'none of its fields is one of weather: it has a,',
    );
  });
});

describe('cells', () => {
  const csv = (rows: string[]) => `city;observed_at;temperature_c;humidity\n${rows.join('\n')}\n`;
  const temperatures = ({ rows }: Awaited<ReturnType<typeof load>>) =>
    rows.map((row) => (typeof row === 'string' ? row : (row as EventRecord).temperature_c));

  it('with decimal commas are refused, or read by an option', async () => {
    const text = csv([
      'Bern, BE;2026-11-28;3,1;0,5',
      'Bern, BE;2026-11-29;-1.234,25;',
      'Bern, BE;2026-11-30;4;0,7',
    ]);
    expect(await refusal(weather, text)).toBe(
      'FILE_UNREADABLE data: the numbers of temperature_c have a comma, such as 3,1 in line 2; if it is a decimal comma, load it with --decimal ,.',
    );
    const read = await load(weather, text, { decimal: ',' });
    expect(temperatures(read)).toEqual(['3.1', '-1234.25', '4']);
    expect((read.rows[0] as EventRecord).city).toBe('Bern, BE');
    const ambiguous = csv(['Bern;2026-11-28;1.234;', 'Bern;2026-11-28;,5;']);
    expect(temperatures(await load(weather, ambiguous, { decimal: ',' }))).toEqual([
      'temperature_c_ambiguous',
      '.5',
    ]);
  });

  it('one with a comma among numbers with points is not a reason to refuse the file', async () => {
    expect(temperatures(await load(weather, csv(['Bern;2026-11-28;3.1;', 'Bern;2026-11-28;3,1;'])))).toEqual([
      '3.1',
      '3,1',
    ]);
  });

  it('that mean no value by an option have none, and the rejection of others names the option', async () => {
    const rows = ['Bern;2026-11-28;NA;', 'Bern;2026-11-28;\\N;', 'Bern;2026-11-28;-;', 'Bern;2026-11-28;;'];
    const nulls = ['NA', '\\N', '-'];
    expect(temperatures(await load(weather, csv(rows), { nulls }))).toEqual([null, null, null, '']);
    const check = new RecordCheck('data', weather, {});
    for (const text of [...nulls, 'NULL', 'n/a', 'NaN']) {
      const value = { ...observation, temperature_c: text };
      const parsed = parseInput(weather, value, { kind: 'file' });
      const reason = parsed.ok && parsed.notes?.[0]?.reason;
      expect(check.adviceFor(String(reason), value)).toBe(
        `if ${text} means that there is no value, load with --null '${text}'`,
      );
    }
    expect(
      check.adviceFor('temperature_c_invalid', { ...observation, temperature_c: 'warm' }),
    ).toBeUndefined();
  });
});
