import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { deadLettersWhere, recordsOf } from '@windrow/pipeline/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpProducer, startHttpProducer } from '../fixtures/http.ts';

let producer: HttpProducer;
beforeAll(async () => {
  producer = await startHttpProducer();
});
afterAll(() => producer.close());

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${producer.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body:
      typeof body === 'string' || Buffer.isBuffer(body)
        ? (body as RequestInit['body'])
        : JSON.stringify(body),
  });
}

const landed = async (...ids: string[]) => {
  const records = await recordsOf(producer.broker, producer.registry, producer.track);
  return ids.map((id) => records.find(({ event_id }) => event_id === id));
};

/** The calls of Segment's API, each with the fields of its messages. */
const calls = {
  track: { event: 'Ride Started', properties: { price: 4.5 } },
  page: { name: 'Home', properties: { url: 'https://example.org/' } },
  screen: { name: 'Map' },
  identify: { traits: { plan: 'pro' } },
  group: { groupId: 'team-1', traits: { size: 7 } },
  alias: { previousId: 'anonymous-1' },
};

describe('each call of the API', () => {
  it.each(Object.entries(calls))(
    'takes %s at its own path and at that of the browser',
    async (type, fields) => {
      const [one, other] = [randomUUID(), randomUUID()];
      for (const [path, messageId] of [
        [`/v1/${type}`, one],
        [`/v1/${type[0]}`, other],
      ] as const) {
        const response = await post(path, { ...fields, messageId, userId: 'u' });
        expect(response.status).toBe(200);
        expect(await response.json()).toEqual({ success: true });
      }
      for (const record of await landed(one, other)) expect(record).toMatchObject({ type, user_id: 'u' });
    },
  );

  it('keeps what each call is about', async () => {
    const send = async (type: keyof typeof calls) => {
      const messageId = randomUUID();
      await post(`/v1/${type}`, { ...calls[type], messageId, userId: 'u' });
      return messageId;
    };
    const [page, identify, group, alias] = await landed(
      await send('page'),
      await send('identify'),
      await send('group'),
      await send('alias'),
    );
    expect(page).toMatchObject({ event_name: 'Home', properties: '{"url":"https://example.org/"}' });
    expect(identify).toMatchObject({ traits: '{"plan":"pro"}', event_name: null });
    expect(group).toMatchObject({ group_id: 'team-1', traits: '{"size":7}', properties: null });
    expect(alias).toMatchObject({ previous_id: 'anonymous-1', properties: null });
  });

  it('goes by the path, whatever type the message says', async () => {
    const messageId = randomUUID();
    await post('/v1/identify', { type: 'track', messageId, userId: 'u' });
    expect(await landed(messageId)).toMatchObject([{ type: 'identify' }]);
  });
});

describe('a batch', () => {
  it.each(['/v1/batch', '/v1/import', '/v1/b'])('is taken at %s, gzipped too', async (path) => {
    const [plain, zipped] = [randomUUID(), randomUUID()];
    const body = (messageId: string) =>
      JSON.stringify({ batch: [{ ...calls.page, type: 'page', messageId, anonymousId: 'a' }] });
    expect((await post(path, body(plain))).status).toBe(200);
    expect((await post(path, gzipSync(body(zipped)), { 'content-encoding': 'GZIP' })).status).toBe(200);
    expect(await landed(plain, zipped)).toMatchObject([{ type: 'page' }, { type: 'page' }]);
  });

  it('gives its sentAt to messages without one, and its context beneath theirs', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const sentAt = new Date().toISOString();
    const own = new Date(Date.now() - 1_000).toISOString();
    await post('/v1/batch', {
      sentAt,
      context: { timezone: 'Europe/Zurich', app: { name: 'Rides' } },
      batch: [
        { type: 'identify', userId: 'u', messageId: one },
        {
          type: 'identify',
          userId: 'u',
          messageId: other,
          sentAt: own,
          context: { timezone: 'Europe/Oslo' },
        },
      ],
    });
    expect(await landed(one, other)).toMatchObject([
      { sent_at: Date.parse(sentAt), timezone: 'Europe/Zurich', app_name: 'Rides' },
      { sent_at: Date.parse(own), timezone: 'Europe/Oslo', app_name: 'Rides' },
    ]);
  });

  it('gives a message without an id the same one when it is sent again later', async () => {
    const message = { type: 'track', event: randomUUID(), userId: 'u', timestamp: new Date().toISOString() };
    await post('/v1/batch', { batch: [message], sentAt: new Date(Date.now() - 5_000).toISOString() });
    await post('/v1/batch', { batch: [message], sentAt: new Date().toISOString() });
    const records = await recordsOf(producer.broker, producer.registry, producer.track);
    const ids = records
      .filter(({ event_name }) => event_name === message.event)
      .map(({ event_id }) => event_id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it.each([
    ['context is no object', { batch: [], context: 'x' }],
    ['batch is no array', { batch: {} }],
  ])('is refused where its %s', async (_, body) => {
    const response = await post('/v1/batch', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ reason: 'not_a_batch' }] });
  });

  it('loses only the messages that are nested too deep or too long', async () => {
    const good = [randomUUID(), randomUUID()];
    const nested = JSON.parse(`${'['.repeat(100)}1${']'.repeat(100)}`);
    const batch = [
      { type: 'track', event: 'E', userId: 'u', messageId: good[0] },
      { type: 'track', event: 'E', userId: 'u', properties: { nested } },
      { type: 'track', event: 'E', userId: 'u', properties: { text: 'é'.repeat(20_000) } },
      {
        type: 'track',
        event: 'E',
        userId: 'u',
        messageId: good[1],
        properties: { text: '}]"\\'.repeat(1_000) },
      },
    ];
    const response = await post('/v1/batch', { batch });
    expect(await response.json()).toMatchObject({
      success: false,
      reason: 'rejected',
      accepted: 2,
      errors: [
        { index: 1, reason: 'too_deep' },
        { index: 2, reason: 'too_large' },
      ],
    });
    expect((await landed(...good)).map((record) => record?.event_id)).toEqual(good);
  });
});

describe('a body', () => {
  const event = { event: 'E', userId: 'u' };

  it.each([
    ['nothing about its type', undefined],
    ['application/json', 'application/json'],
    ['its charset', 'application/json; charset=UTF-8'],
    ['text/plain, as browsers do', 'text/plain;charset=UTF-8'],
    ['a type of JSON', 'application/vnd.example+json'],
  ])('is taken with %s', async (_, type) => {
    const body = Buffer.from(JSON.stringify(event));
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const response = await fetch(`${producer.url}/v1/track`, { method: 'POST', headers, body });
    expect(response.status).toBe(200);
  });

  it.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'content_type_unsupported'],
    ['XML', { 'content-type': 'text/xml' }, 415, 'content_type_unsupported'],
    ['no type at all', { 'content-type': '/;=' }, 415, 'content_type_unsupported'],
    ['another charset', { 'content-type': 'application/json; charset=latin1' }, 415, 'charset_unsupported'],
    ['another coding', { 'content-encoding': 'br' }, 415, 'content_encoding_unsupported'],
    ['two codings', { 'content-encoding': 'gzip, gzip' }, 415, 'content_encoding_unsupported'],
    ['no gzip', { 'content-encoding': 'gzip' }, 400, 'not_gzip'],
  ])('is refused as %s', async (_, headers, status, reason) => {
    const response = await post('/v1/track', event, headers as Record<string, string>);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toMatchObject({ success: false, reason, message: expect.any(String) });
  });

  it.each([
    ['gzip that ends too early', gzipSync(JSON.stringify(event)).subarray(0, 20), 400, 'not_gzip'],
    ['gzip of 100 MB', gzipSync(Buffer.alloc(100_000_000, ' ')), 413, 'body_too_large'],
  ])('is refused as %s', async (_, body, status, reason) => {
    const response = await post('/v1/track', body, { 'content-encoding': 'gzip' });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ reason });
  });

  it.each([
    ['nested 200,000 deep', `${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'too_deep'],
    ['never closed', '{"a":'.repeat(90_000), 'too_deep'],
    ['not UTF-8', Buffer.from('{"event":"\xe9t\xe9"}', 'latin1'), 'not_json'],
    ['full of quotes and backslashes', '"\\"\\\\"\\', 'not_json'],
  ])('is refused as %s, and kept as a dead letter', async (_, body, reason) => {
    const response = await post('/v1/track', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ accepted: 0, errors: [{ index: 0, reason }] });
    const letters = await deadLettersWhere(producer.broker, producer.registry, (letter) =>
      Buffer.from(body).equals(letter.value ?? Buffer.alloc(0)),
    );
    expect(letters.length).toBeGreaterThan(0);
  });

  it('goes on with what is about text outside ASCII, and names of the prototype', async () => {
    const messageId = randomUUID();
    const properties = '{"__proto__":{"a":1},"constructor":{"prototype":2},"city":"Zürich 🚲"}';
    const body = `{"event":"E","userId":"u","messageId":"${messageId}","properties":${properties}}`;
    expect((await post('/v1/track', body)).status).toBe(200);
    expect(await landed(messageId)).toMatchObject([{ properties }]);
  });
});

describe('a page in a browser', () => {
  const origin = 'https://shop.example';

  it('may ask before it sends, from any origin, without credentials', async () => {
    const response = await fetch(`${producer.url}/v1/t`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-retry-count',
      },
    });
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization,content-type,x-retry-count',
      'access-control-max-age': '7200',
    });
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it('may read answers, errors and their Retry-After included', async () => {
    for (const body of [{ event: 'E', userId: 'u' }, '{']) {
      const response = await post('/v1/t', body, { origin });
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('access-control-expose-headers')).toBe('retry-after');
    }
  });

  it('is let in only from the listed origins, where there is a list', async () => {
    const url = await producer.listen({ corsOrigins: [origin] });
    const allowedFor = async (from: string) => {
      const response = await fetch(`${url}/v1/t`, { method: 'POST', headers: { origin: from }, body: '{}' });
      return response.headers.get('access-control-allow-origin');
    };
    expect(await allowedFor(origin)).toBe(origin);
    expect(await allowedFor('https://other.example')).toBeNull();
  });

  it('gets settings for its SDK that send events to the host it asked', async () => {
    const response = await fetch(`${producer.url}/v1/projects/some-key/settings`, { headers: { origin } });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toMatchObject({
      integrations: {
        'Segment.io': { apiKey: 'some-key', apiHost: `${new URL(producer.url).host}/v1`, protocol: 'http' },
      },
    });
    const behindTls = await fetch(`${producer.url}/v1/projects/some-key/settings`, {
      headers: { 'x-forwarded-proto': 'https' },
    });
    expect(await behindTls.json()).toMatchObject({ integrations: { 'Segment.io': { protocol: 'https' } } });
  });
});

describe('what is not there', () => {
  it('is told in JSON, with the methods of a path that is', async () => {
    const nothing = await post('/v1/nothing?x=1', {});
    expect(nothing.status).toBe(404);
    expect(await nothing.json()).toEqual({
      success: false,
      reason: 'not_found',
      message: 'The path /v1/nothing does not exist.',
    });
    const get = await fetch(`${producer.url}/v1/track`);
    expect(get.status).toBe(405);
    expect(get.headers.get('allow')).toBe('POST');
    expect(await get.json()).toMatchObject({ success: false, reason: 'method_not_allowed' });
    for (const method of ['DELETE', 'QUERY'])
      expect((await fetch(`${producer.url}/v1/track`, { method })).status).toBe(405);
    expect((await fetch(`${producer.url}/%zz`)).status).toBe(400);
  });
});

it.each([
  ['event name', { event: 'n'.repeat(5_000) }, 'event_name_too_long'],
  ['user id', { event: 'A', userId: 'ü'.repeat(513) }, 'user_id_too_long'],
  ['message id', { event: 'A', messageId: randomUUID().repeat(29) }, 'event_id_too_long'],
])(
  'a %s that no index of Postgres holds is refused, with its length and the bound',
  async (_, fields, reason) => {
    const response = await post('/v1/track', { userId: 'u', ...fields });
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).toContain(reason);
    expect(text).toMatch(/has \d+ bytes \(.*\); at most 1024, because it is part of .* in Postgres/);
  },
);

it('a city that no index of Postgres holds costs the city, not the event', async () => {
  const messageId = randomUUID();
  const city = 'c'.repeat(1_025);
  const response = await post('/v1/track', {
    userId: 'u',
    event: 'A',
    messageId,
    context: { location: { city } },
  });
  expect(response.status).toBe(200);
  const [record] = await landed(messageId);
  expect(record).toMatchObject({ city: null });
  expect(JSON.parse(String(record?._quality))).toEqual([
    { field: 'city', reason: 'city_too_long', value: `${'c'.repeat(80)}…` },
  ]);
});
