import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { AvroRegistry, type StreamContract } from '@windrow/contracts';
import { GroupCommit, KafkaBroker } from '@windrow/pipeline';
import { deadLettersWhere, ownStream, recordsOf, stackConfig } from '@windrow/pipeline/testing';
import { createLogger, createRegistry, loadConfig } from '@windrow/runtime';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openToAll } from '../fixtures/access.ts';
import { producerMetrics } from './metrics.ts';
import { createServer, openIntakes } from './server.ts';

const endpoints = loadConfig(stackConfig, inject('endpoints'));
const registry = new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL);
const log = createLogger('test', 'fatal');
const access = openToAll();

let broker: KafkaBroker;
let commit: GroupCommit;
let app: FastifyInstance;
let track: StreamContract;
let weather: StreamContract;
const prometheus = createRegistry('producer');
const metrics = producerMetrics(prometheus);

beforeAll(async () => {
  broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS, clientId: 'server-test' });
  track = await ownStream(broker, 'track', 2);
  weather = await ownStream(broker, 'weather', 1);
  commit = new GroupCommit(broker, { metrics });
  app = createServer({ ...(await openIntakes([track, weather], registry)), commit, access, metrics, log });
});
afterAll(async () => {
  await app.close();
  await commit.close();
  await broker.close();
});

const message = (more: object = {}) => ({
  type: 'track',
  event: 'Opened',
  messageId: randomUUID(),
  anonymousId: 'someone',
  timestamp: new Date().toISOString(),
  ...more,
});

const post = (url: string, payload: unknown, headers: InjectOptions['headers'] = {}, to = app) =>
  to.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    payload: Buffer.isBuffer(payload) || typeof payload === 'string' ? payload : JSON.stringify(payload),
  });

const trackWhere = async (event_id: string) =>
  (await recordsOf(broker, registry, track)).filter((record) => record.event_id === event_id);

describe('POST /v1/track', () => {
  it('answers 200 when Kafka has the event, received when it came', async () => {
    const sent = message({ userId: 'u1', receivedAt: '2001-01-01T00:00:00Z' });
    const beforeMs = Date.now();
    const response = await post('/v1/track', sent);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ success: true });
    const [record, ...others] = await trackWhere(sent.messageId);
    expect(others).toEqual([]);
    expect(record).toMatchObject({ user_id: 'u1', occurred_at: Date.parse(sent.timestamp) });
    expect(record?.received_at).toBeGreaterThanOrEqual(beforeMs);
    expect(record?.received_at).toBeLessThanOrEqual(Date.now());
  });

  it('corrects the times of a device whose clock is wrong', async () => {
    const clockMs = Date.now() - 3_600_000;
    const sent = message({
      timestamp: new Date(clockMs - 5_000).toISOString(),
      sentAt: new Date(clockMs).toISOString(),
    });
    expect((await post('/v1/track', sent)).statusCode).toBe(200);
    const [record] = await trackWhere(sent.messageId);
    expect(record?.occurred_at).toBe((record?.received_at as number) - 5_000);
    expect(record?.sent_at).toBe(clockMs);
  });

  it('takes gzip, and JSON under any content type', async () => {
    const [zipped, beacon] = [message(), message()];
    const gzip = { 'content-encoding': 'gzip' };
    expect((await post('/v1/track', gzipSync(JSON.stringify(zipped)), gzip)).statusCode).toBe(200);
    expect((await post('/v1/track', beacon, { 'content-type': 'text/plain' })).statusCode).toBe(200);
    expect(await trackWhere(zipped.messageId)).toHaveLength(1);
    expect(await trackWhere(beacon.messageId)).toHaveLength(1);
  });

  it('answers 400 with the reason, and keeps what it refused as a dead letter', async () => {
    const invalid = message({ timestamp: 'yesterday' });
    const response = await post('/v1/track', invalid);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      success: false,
      accepted: 0,
      errors: [{ index: 0, reason: 'occurred_at_invalid' }],
    });
    const [letter] = await deadLettersWhere(
      broker,
      registry,
      ({ value }) => value?.includes(invalid.messageId) === true,
    );
    expect(letter).toMatchObject({
      stage: 'http',
      reason: 'occurred_at_invalid',
      headers: { path: '/v1/track' },
    });
    expect(JSON.parse(String(letter?.value))).toEqual(invalid);
    expect(await trackWhere(invalid.messageId)).toEqual([]);
  });

  it('refuses what the rules of the stream refuse', async () => {
    const response = await post('/v1/track', message({ anonymousId: undefined }));
    expect(response.statusCode).toBe(400);
    expect(response.json().errors).toMatchObject([{ reason: 'user_id_or_anonymous_id_missing' }]);
  });

  it.each([
    ['no JSON', '{"type":', {}, 400, 'not_json'],
    ['an empty body', '', {}, 400, 'not_json'],
    [
      'a message over 32 KB',
      JSON.stringify(message({ properties: { x: 'x'.repeat(33_000) } })),
      {},
      400,
      'too_large',
    ],
    ['bytes that are no gzip', 'abc', { 'content-encoding': 'gzip' }, 400, undefined],
    ['another coding', 'abc', { 'content-encoding': 'br' }, 415, undefined],
    ['a body over 500 KB', 'x'.repeat(513_000), {}, 413, undefined],
    [
      'a small body that grows',
      gzipSync(' '.repeat(50_000_000)),
      { 'content-encoding': 'gzip' },
      413,
      undefined,
    ],
  ])('refuses %s', async (_, body, headers, status, reason) => {
    const response = await post('/v1/track', body, headers);
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ success: false });
    expect(response.json().errors?.[0]?.reason).toBe(reason);
  });
});

describe('POST /v1/batch', () => {
  it('takes the good messages and tells of the others by their position', async () => {
    const good = [message(), message({ type: 'identify', event: undefined })];
    const batch = [good[0], { type: 'track' }, good[1], 7];
    const response = await post('/v1/batch', { batch, sentAt: new Date().toISOString() });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      accepted: 2,
      errors: [{ index: 1 }, { index: 3, reason: 'not_an_object' }],
    });
    for (const { messageId } of good) expect(await trackWhere(messageId)).toHaveLength(1);
  });

  it('takes a batch far over the limit of one message, and refuses only the message over it', async () => {
    const batch = Array.from({ length: 30 }, () => message({ properties: { x: 'x'.repeat(10_000) } }));
    expect((await post('/v1/batch', { batch })).json()).toEqual({ success: true });
    const large = message({ properties: { x: 'x'.repeat(40_000) } });
    const response = await post('/v1/batch', { batch: [large, message()] });
    expect(response.json()).toMatchObject({ accepted: 1, errors: [{ index: 0, reason: 'too_large' }] });
  });

  it('refuses a body without a batch', async () => {
    const response = await post('/v1/batch', { messages: [] });
    expect(response.statusCode).toBe(400);
    expect(response.json().errors).toMatchObject([{ reason: 'not_a_batch' }]);
  });
});

describe('POST /v1/weather', () => {
  it('takes one observation or several', async () => {
    const city = randomUUID();
    const at = (hour: number) => ({ city, observed_at: `2020-01-01T0${hour}:00:00Z`, temperature_c: hour });
    expect((await post('/v1/weather', at(1))).statusCode).toBe(200);
    expect((await post('/v1/weather', [at(2), at(3)])).statusCode).toBe(200);
    const records = (await recordsOf(broker, registry, weather)).filter((record) => record.city === city);
    expect(records.map((record) => record.temperature_c)).toEqual([1, 2, 3]);
  });
});

describe('the server', () => {
  it('sends what comes at the same time in far fewer calls, and loses none of it', async () => {
    const calls = async () =>
      (await metrics.sendSeconds.get()).values.find((v) => v.metricName?.endsWith('_count'))?.value ??
      Number.NaN;
    const before = await calls();
    const sent = Array.from({ length: 500 }, () => message({ event: 'At once' }));
    const responses = await Promise.all(sent.map((one) => post('/v1/track', one)));
    expect(new Set(responses.map((response) => response.statusCode))).toEqual(new Set([200]));
    expect((await calls()) - before).toBeLessThan(50);
    const ids = new Set((await recordsOf(broker, registry, track)).map((record) => record.event_id));
    expect(sent.filter(({ messageId }) => !ids.has(messageId))).toEqual([]);
  });

  it('counts events, dead letters and requests', async () => {
    await post('/v1/weather', { city: 'Nowhere' });
    const text = await prometheus.metrics();
    expect(text).toMatch(/windrow_events_total\{stream="track",outcome="ok",service="producer"\} [1-9]/);
    expect(text).toMatch(
      /windrow_dead_letters_total\{stage="http",reason="observed_at_missing",service="producer"\} 1/,
    );
    expect(text).toMatch(
      /windrow_http_requests_total\{route="\/v1\/weather",status="400",service="producer"\} 1/,
    );
    expect(text).toMatch(/windrow_kafka_queued_bytes\{service="producer"\} 0/);
  });

  it('answers 503 with Retry-After while Kafka is away, and takes back what still waits', async () => {
    // Nothing listens on the discard port.
    const away = new KafkaBroker({ brokers: ['127.0.0.1:9'], clientId: 'server-test' });
    const waiting = new GroupCommit(away);
    const server = createServer(
      { ...(await openIntakes([track], registry)), commit: waiting, access, metrics, log },
      { ackTimeoutMs: 300 },
    );
    const responses = await Promise.all([1, 2, 3].map(() => post('/v1/track', message(), {}, server)));
    for (const response of responses) {
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toBe('5');
      expect(response.json()).toMatchObject({
        success: false,
        message: expect.stringContaining('send it again'),
      });
    }
    await server.close();
    await waiting.close();
    await away.close();
  });
});
