import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { AvroCodec, type AvroRecordSchema, AvroRegistry } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readersPython } from '../readers/python.ts';
import { type Row, readWithDeltaRs } from '../readers/readers.ts';
import { Installation, readers } from './installation.ts';
import { type RandomDocument, randomDocuments } from './random-documents.ts';

let windrow: Installation;

beforeAll(async () => {
  windrow = await Installation.start();
  await windrow.windrow('load', '--stream', 'weather', 'examples/flights-2013-01/weather.jsonl.gz');
});
afterAll(() => windrow?.stop());

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const perCodec = 200;

test('a Kafka client of another language, with any codec, is served like our own producer', async () => {
  const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = windrow.endpoints;
  const script = fileURLToPath(new URL('../foreign-producer/produce.py', import.meta.url));
  for (const [index, codec] of codecs.entries()) {
    const args = [
      script,
      KAFKA_BROKERS,
      SCHEMA_REGISTRY_URL,
      codec,
      String(index * perCodec),
      String(perCodec),
    ];
    await promisify(execFile)(readersPython(), args);
  }
  await windrow.landed();
  const landed = await windrow.sql(`
    select properties->>'codec' as codec, count(*)::int as n from curated.track_event
    where event_id like 'foreign-%' and weather_match = 'matched' group by 1`);
  expect(Object.fromEntries(landed.map(({ codec, n }) => [codec, n]))).toEqual(
    Object.fromEntries(codecs.map((codec) => [codec, perCodec])),
  );
});

test('what others post wrongly becomes dead letters with its bytes, and stops nothing', async () => {
  const { KAFKA_BROKERS = '' } = windrow.endpoints;
  const broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'producers-test' });
  const producer = await broker.producer();
  const unknownSchema = Buffer.from('007fffffff02', 'hex');
  const values = [Buffer.from('{"event":"json"}'), null, unknownSchema, Buffer.alloc(0)];
  await producer.send([{ topic: 'track.raw', records: values.map((value) => ({ key: 'same', value })) }]);
  await producer.close();
  await broker.close();
  await windrow.landed();
  const letters = await windrow.lake(
    readWithDeltaRs,
    'rejected/dead_letter',
    `select reason, "value" as bytes from t where topic = 'track.raw' order by "offset"`,
  );
  expect(letters.map(({ reason }) => reason)).toEqual(['not_avro', 'empty', 'unknown_schema', 'not_avro']);
  expect(letters[0]?.bytes).toBe(Buffer.from('{"event":"json"}').toString('hex'));
});

test('what HTTP has answered with 200 is in the lake and in Postgres', async () => {
  const { PRODUCER_URL: url = '' } = windrow.endpoints;
  const id = randomUUID();
  const message = {
    type: 'track',
    event: 'Ride Ended',
    userId: 'u-1',
    messageId: id,
    properties: { rating: 5 },
  };
  const batch = [1, 2, 3].map((number) => ({ ...message, messageId: `${id}-${number}` }));
  const bad = { ...message, messageId: `${id}-bad`, type: 'nonsense' };
  const answers = [
    await post(`${url}/v1/track`, JSON.stringify(message)),
    await post(`${url}/v1/batch`, gzipSync(JSON.stringify({ batch })), { 'content-encoding': 'gzip' }),
    await post(
      `${url}/v1/weather`,
      JSON.stringify({ city: 'Testville', observed_at: new Date().toISOString(), temperature_c: 21 }),
    ),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await post(`${url}/v1/batch`, JSON.stringify({ batch: [bad] }))).status).toBe(400);
  await windrow.landed();
  const landed = await windrow.sql(
    `select event_id from curated.track_event where event_id like '${id}%' order by 1`,
  );
  expect(landed.map(({ event_id }) => event_id)).toEqual([id, `${id}-1`, `${id}-2`, `${id}-3`]);
  const inLake = await windrow.lake(
    readWithDeltaRs,
    'curated/track',
    `select count(*)::int as n from t where event_id like '${id}%'`,
  );
  expect(inLake[0]?.n).toBe(4);
  const [observation] = await windrow.sql(
    `select temperature_c from curated.weather_observation where city = 'Testville'`,
  );
  expect(observation?.temperature_c).toBe(21);
  const { deadLettered, duplicates } = await windrow.auditOf('track.raw');
  expect({ deadLettered, duplicates }).toEqual({ deadLettered: 4, duplicates: 0 });
});

test('big numbers and broken text over HTTP and from files are the same in the lake, in Postgres and in dead letters', async () => {
  const { PRODUCER_URL: url = '' } = windrow.endpoints;
  const ids = ['1329057093467865088', '1329057093467865089', '1329057093467865090'];
  const inputs = ['03-numeric-message-ids', '06-lone-surrogates', '07-big-numbers'].flatMap((name) =>
    readFileSync(new URL(`hard-inputs/${name}.jsonl`, import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
  const refused = inputs.filter((line) => line.includes('"timestamp":"bad"'));
  const responses = [];
  for (const line of inputs) responses.push((await post(`${url}/v1/track`, line)).status);
  expect(responses.filter((status) => status !== 200)).toEqual(refused.map(() => 400));
  // The same from a file, as other events: files need a time.
  const file = join(windrow.stateDir, 'hard-inputs.jsonl');
  const others = inputs.map((line) =>
    line
      .replace(/"messageId":(\d+)/, '"messageId":9$1')
      .replace('"messageId":"', '"messageId":"file-')
      .replace(/\}$/, line.includes('"timestamp"') ? '}' : ',"timestamp":"2026-11-28T09:00:00Z"}'),
  );
  writeFileSync(file, others.join('\n'));
  const said = await windrow.windrow('load', '--stream', 'track', '--max-rejects', '1', file);
  expect(said).toContain('warning replaced_text: 4 events');
  await windrow.landed();

  const where = `event_id ~ '^9?132905709346786' or event_id ~ '^(file-)?(s-|big-|v-)'`;
  const columns = 'event_id, event_name, user_id, app_version, properties';
  const inPostgres = await windrow.sql(
    `select ${columns.replace('properties', 'properties::text as properties')} from curated.track_event where ${where} order by event_id collate "C"`,
  );
  const inLake = await windrow.lake(
    readWithDeltaRs,
    'curated/track',
    `select ${columns} from t where event_id like '%132905709346786%' or event_id like '%s-%' or event_id like '%big-%' or event_id like '%v-_' order by event_id`,
  );
  const ours = inLake.filter(({ event_id }) => inPostgres.some((row) => row.event_id === event_id));
  expect(inPostgres).toHaveLength(2 * (inputs.length - refused.length));
  expect(ours.map(({ properties: _, ...row }) => row)).toEqual(
    inPostgres.map(({ properties: _, ...row }) => row),
  );
  const rowOf = (rows: readonly Row[], id: string) => rows.find(({ event_id }) => event_id === id);
  for (const id of ids) expect(rowOf(inPostgres, id)).toBeDefined();
  for (const of of ['', 'file-']) {
    expect(rowOf(inPostgres, `${of}s-\ufffdd800`)).toBeDefined();
    expect(rowOf(inPostgres, `${of}s-\ufffdd801`)).toBeDefined();
    expect(rowOf(ours, `${of}s-name`)?.event_name).toBe('Tr \ufffd');
    expect(rowOf(ours, `${of}big-1`)?.user_id).toBe('157963456373623803');
    expect(rowOf(ours, `${of}v-2`)?.user_id).toBe('1e21');
    expect(rowOf(ours, `${of}v-3`)?.app_version).toBe('1.10');
    expect(rowOf(ours, `${of}v-1`)?.properties).toBe(
      '{"price":1e400,"dec":12345678901234567.89,"neg":-0.0,"one":1.0}',
    );
    const stored = String(rowOf(inPostgres, `${of}v-1`)?.properties);
    expect(stored).toContain(`"price": 1${'0'.repeat(400)}`);
    expect(stored).toContain('"dec": 12345678901234567.89');
  }
  const letters = await windrow.lake(
    readWithDeltaRs,
    'rejected/dead_letter',
    `select stage, "value" as bytes from t where reason = 'occurred_at_invalid' order by stage`,
  );
  expect(letters.map(({ stage, bytes }) => [stage, Buffer.from(String(bytes), 'hex').toString()])).toEqual([
    ['http', refused[0]],
    ['load', others.find((line) => line.includes('"timestamp":"bad"'))],
  ]);
});

test('random documents through HTTP, a file and Kafka are the same in the lake, in Postgres and in dead letters', {
  timeout: 240_000,
}, async () => {
  const { PRODUCER_URL: url = '' } = windrow.endpoints;
  const documents = randomDocuments(80, 20_261);
  const sound = documents.filter(({ expected }) => expected !== undefined);
  const refused = documents.length - sound.length;
  expect(Math.min(sound.length, refused)).toBeGreaterThan(5);
  const bodyOf = (door: string, { id, members }: RandomDocument) =>
    `{"messageId":"${door}-${id}",${members}}`;

  for (const document of documents) {
    const body = bodyOf('http', document);
    const { status, body: answer } = await post(`${url}/v1/track`, body);
    expect(status, `${body}\n${answer}`).toBe(document.expected === undefined ? 400 : 200);
  }
  const file = join(windrow.stateDir, 'random-documents.jsonl');
  writeFileSync(file, documents.map((document) => bodyOf('file', document)).join('\n'));
  await windrow.windrow('load', '--stream', 'track', '--max-rejects', String(refused), file);
  const ofKafka = await sendByKafka(documents);
  await windrow.landed();

  const columns = ['event_id', 'event_name', 'user_id', 'app_version', 'occurred_at', 'properties'];
  const expected = [
    ...sound.map(({ id, expected }) => ({ event_id: `file-${id}`, ...expected })),
    ...sound.map(({ id, expected }) => ({ event_id: `http-${id}`, ...expected })),
    ...ofKafka.sound.map(({ id, expected }) => ({ event_id: `kafka-${id}`, ...expected })),
  ];
  for (const [name, reader] of Object.entries(readers)) {
    const question = `select ${columns.join(', ')} from t where event_id like '%-doc-%' order by event_id`;
    expect(await windrow.lake(reader, 'curated/track', question), name).toEqual(expected);
  }
  const utc = `to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const [same] = await windrow.sql(`
    select count(*)::int as n from curated.track_event t
    join json_to_recordset($windrow$${JSON.stringify(expected)}$windrow$) as e
      (${columns.map((column) => `${column} text`).join(', ')}) using (event_id)
    where (t.event_name, t.user_id, t.app_version, ${utc.replace('occurred_at', 't.occurred_at')}, t.properties)
      = (e.event_name, e.user_id, e.app_version, e.occurred_at, e.properties::jsonb)`);
  expect(same?.n).toBe(expected.length);

  const letters = await windrow.lake(
    readWithDeltaRs,
    'rejected/dead_letter',
    `select stage, "value" as bytes from t where stage in ('http', 'load', 'rules') order by "offset"`,
  );
  const bytes = letters.map(({ stage, bytes }) => `${stage} ${Buffer.from(String(bytes), 'hex').toString()}`);
  for (const document of documents.filter(({ expected }) => expected === undefined)) {
    expect(bytes).toContain(`http ${bodyOf('http', document)}`);
    expect(bytes).toContain(`load ${bodyOf('file', document)}`);
  }
  for (const value of ofKafka.refused) expect(bytes).toContain(`rules ${value.toString()}`);
  expect(ofKafka.refused.length).toBeGreaterThan(3);
  await windrow.auditOf('track.raw');
});

/** Sends what is stored of the documents as a client with its own schema does. It can't send U+0000 in the name of an event. */
async function sendByKafka(documents: readonly RandomDocument[]) {
  const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = windrow.endpoints;
  const registry = new AvroRegistry(SCHEMA_REGISTRY_URL);
  const text = (name: string) => ({ name, type: 'string' });
  const time = (name: string) => ({ name, type: { type: 'long', logicalType: 'timestamp-micros' } });
  const schema: AvroRecordSchema = {
    ...{ type: 'record', name: 'Track', namespace: 'windrow' },
    fields: [
      ...['properties', 'app_version', 'user_id', 'event_name', 'event_id'].map(text),
      ...['received_at', 'occurred_at'].map(time),
    ],
  };
  const codec = new AvroCodec(schema, registry);
  const schemaId = await registry.register('random-documents', schema);
  const records = documents.flatMap((document) => {
    const { id, event, expected } = document;
    if (expected === undefined) return [];
    const occurredAtUs = Date.parse(expected.occurred_at) * 1_000;
    const values = {
      ...{
        ...expected,
        event_id: `kafka-${id}`,
        event_name: event.includes('\0') ? event : expected.event_name,
      },
      ...{ occurred_at: occurredAtUs + 999, received_at: occurredAtUs },
    };
    return [{ document, key: expected.user_id, value: codec.encode(values, schemaId) }];
  });
  const broker = new KafkaBroker({ brokers: KAFKA_BROKERS.split(','), clientId: 'random-documents' });
  const producer = await broker.producer();
  await producer.send([{ topic: 'track.raw', records: records.map(({ key, value }) => ({ key, value })) }]);
  await producer.close();
  await broker.close();
  const isRefused = ({ document }: { document: RandomDocument }) => document.event.includes('\0');
  return {
    sound: records.filter((record) => !isRefused(record)).map(({ document }) => document),
    refused: records.filter(isRefused).map(({ value }) => value),
  };
}

async function post(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return { status: response.status, body: await response.text() };
}
