import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { KafkaBroker } from '@windrow/pipeline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readersPython } from '../readers/python.ts';
import { readWithDeltaRs } from '../readers/readers.ts';
import { Installation } from './installation.ts';

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

async function post(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return { status: response.status, body: await response.text() };
}
