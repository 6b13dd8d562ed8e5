import { randomUUID } from 'node:crypto';
import { AvroRegistry, digestOf, type StreamContract } from '@windrow/contracts';
import type { NewWriteKey } from '@windrow/operations/keys';
import { GroupCommit, KafkaBroker } from '@windrow/pipeline';
import { deadLettersWhere, ownStream, recordsOf, stackConfig } from '@windrow/pipeline/testing';
import { loadConfig, WindrowError } from '@windrow/runtime';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { basic, ownKeys } from '../../fixtures/instance.ts';

const endpoints = loadConfig(stackConfig, inject('endpoints'));
const registry = new AvroRegistry(endpoints.SCHEMA_REGISTRY_URL);
const unlimited: NewWriteKey = {
  source: 'app',
  streams: null,
  events_per_second: null,
  events_per_day: null,
};
const withinSeconds = { timeout: 10_000, interval: 50 };

let broker: KafkaBroker;
let track: StreamContract;
let keys: Awaited<ReturnType<typeof ownKeys>>;
let one: Instance;
let two: Instance;
type Instance = Awaited<ReturnType<(typeof keys)['startInstance']>>;

beforeAll(async () => {
  broker = new KafkaBroker({ brokers: endpoints.KAFKA_BROKERS, clientId: 'access-test' });
  track = await ownStream(broker, 'track', 2);
  keys = await ownKeys(broker, registry, [track, await ownStream(broker, 'weather', 1)]);
  one = await keys.startInstance();
  two = await keys.startInstance();
});
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await broker.close();
});

const message = (more: object = {}) => ({
  event: 'Opened',
  messageId: randomUUID(),
  anonymousId: 'someone',
  timestamp: new Date().toISOString(),
  ...more,
});
const batch = (events: number) => ({
  batch: Array.from({ length: events }, () => message({ type: 'track' })),
});
const observation = { city: 'Zurich', observed_at: '2020-01-01T00:00:00Z', temperature_c: 1 };

/** Its answer's status says what the instance thinks of the key; nothing is taken. */
async function statusOf(instance: Instance, key: string): Promise<number> {
  const { statusCode } = await instance.post('/v1/track', '', { ...basic(key), 'content-type': 'text/csv' });
  return statusCode;
}

/** A key that both instances know. */
async function newKey(wanted: Partial<NewWriteKey> = {}): Promise<{ key: string; id: string }> {
  const { key, record } = await keys.store.add({ ...unlimited, ...wanted });
  for (const instance of [one, two])
    await vi.waitFor(async () => expect(await statusOf(instance, key)).not.toBe(401), withinSeconds);
  return { key, id: record.id };
}

describe('a write key', () => {
  it('is taken as the user name of Basic authentication, with any password or none, also without the colon', async () => {
    const { key } = await newKey();
    const withoutColon = { authorization: `basic ${Buffer.from(key).toString('base64')}` };
    for (const headers of [basic(key), basic(key, 'whatever'), withoutColon]) {
      const response = await one.post('/v1/track', message(), headers);
      expect(response.json()).toEqual({ success: true });
    }
  });

  it('is taken as writeKey of a message, of a batch and of an observation', async () => {
    const { key } = await newKey();
    for (const [path, body] of [
      ['/v1/track', message()],
      ['/v1/batch', batch(2)],
      ['/v1/weather', observation],
    ] as const) {
      expect((await one.post(path, { ...body, writeKey: key })).json()).toEqual({ success: true });
    }
  });

  it('of the header goes before that of the body', async () => {
    const { key } = await newKey();
    expect((await one.post('/v1/track', message({ writeKey: 'wrong' }), basic(key))).statusCode).toBe(200);
    const response = await one.post('/v1/track', message({ writeKey: key }), basic('wrong'));
    expect(response.json()).toMatchObject({ reason: 'write_key_unknown' });
  });

  it.each<[string, (key: string) => object, object | undefined, string]>([
    ['there is none', () => message(), undefined, 'write_key_missing'],
    [
      'only a message of the batch has it',
      (writeKey) => ({ batch: [message({ writeKey })] }),
      undefined,
      'write_key_missing',
    ],
    ['it is no text', () => message({ writeKey: 7 }), undefined, 'write_key_missing'],
    ['it is empty', () => message({ writeKey: '' }), basic(''), 'write_key_missing'],
    ['the scheme is another one', () => message(), { authorization: 'Bearer abc' }, 'write_key_missing'],
    ['it is unknown', () => message({ writeKey: 'x'.repeat(43) }), undefined, 'write_key_unknown'],
    [
      'its end is wrong',
      (key) => message({ writeKey: `${key.slice(0, -1)}~` }),
      undefined,
      'write_key_unknown',
    ],
    [
      'it is only its prefix',
      (key) => message({ writeKey: key.slice(0, 6) }),
      undefined,
      'write_key_unknown',
    ],
    [
      'it is its digest',
      (key) => message({ writeKey: digestOf(key).toString('hex') }),
      undefined,
      'write_key_unknown',
    ],
  ])('is needed: 401 where %s, and nothing is taken', async (_, body, headers, reason) => {
    const { key } = await newKey();
    const sent = body(key);
    const path = 'batch' in sent ? '/v1/batch' : '/v1/track';
    const response = await one.post(path, sent, { ...headers });
    expect(response.statusCode).toBe(401);
    expect(response.json()).toEqual({ success: false, reason, message: expect.stringContaining('key') });
    expect(response.headers['www-authenticate']).toMatch(/^WriteKey /);
  });

  it('is asked for before a body is called wrong, so that strangers make no dead letters', async () => {
    const broken = `{"broken": "${randomUUID()}"`;
    expect((await one.post('/v1/track', broken)).statusCode).toBe(401);
    expect((await one.post('/v1/track', broken, basic((await newKey()).key))).statusCode).toBe(400);
    expect(
      await deadLettersWhere(broker, registry, ({ value }) => value?.includes(broken) === true),
    ).toHaveLength(1);
  });

  it('opens no other streams than it lists', async () => {
    const { key } = await newKey({ streams: ['weather'] });
    expect((await one.post('/v1/weather', observation, basic(key))).statusCode).toBe(200);
    for (const response of [
      await one.post('/v1/track', message(), basic(key)),
      await one.post('/v1/track', message({ writeKey: key })),
    ]) {
      expect(response.statusCode).toBe(403);
      expect(response.json()).toMatchObject({ reason: 'stream_not_allowed' });
    }
  });

  it('that is revoked is refused by every instance within seconds', async () => {
    const { key, id } = await newKey();
    const revoked = await keys.store.revoke(id);
    for (const instance of [one, two]) {
      await vi.waitFor(async () => expect(await statusOf(instance, key)).toBe(401), withinSeconds);
      const response = await instance.post('/v1/track', message({ writeKey: key }));
      expect(response.json()).toMatchObject({ reason: 'write_key_revoked' });
    }
    expect(await keys.store.revoke(id)).toEqual(revoked);
    expect((await keys.store.list()).filter((record) => record.id === id)).toEqual([revoked]);
    await expect(keys.store.revoke('nope')).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('that is optional may be missing, but not wrong', async () => {
    const { key } = await newKey();
    const lenient = await keys.startInstance({ required: false });
    expect((await lenient.post('/v1/track', message())).statusCode).toBe(200);
    expect((await lenient.post('/v1/track', message({ writeKey: key }))).statusCode).toBe(200);
    expect((await lenient.post('/v1/track', message({ writeKey: 'wrong' }))).statusCode).toBe(401);
    expect((await lenient.post('/v1/track', message(), basic('wrong'))).statusCode).toBe(401);
    await lenient.stop();
  });

  it('comes to rest nowhere: not in events, not in dead letters, not in what is kept of keys', async () => {
    const { key } = await newKey();
    const good = message({ writeKey: key, context: { app: { name: 'a' } } });
    expect((await one.post('/v1/track', good)).statusCode).toBe(200);
    const path = `/${randomUUID()}`;
    const refused = [
      message({ writeKey: key, timestamp: 'yesterday', path }),
      { writeKey: key, messages: [], path },
    ];
    expect((await one.post('/v1/track', refused[0])).statusCode).toBe(400);
    expect((await one.post('/v1/batch', refused[1])).statusCode).toBe(400);
    const bad = message({ writeKey: key, timestamp: 'yesterday', path });
    expect((await one.post('/v1/batch', { writeKey: key, batch: [bad] })).statusCode).toBe(400);
    const broken = `{"writeKey" : "${key}", "path": "${path}", `;
    expect((await one.post('/v1/track', broken, basic(key))).statusCode).toBe(400);
    const letters = await deadLettersWhere(broker, registry, ({ value }) => value?.includes(path) === true);
    expect(letters).toHaveLength(4);
    const kept = [letters, await recordsOf(broker, registry, track), await keys.store.list()];
    expect(
      JSON.stringify(kept, (_, value) => (Buffer.isBuffer(value) ? value.toString() : value)),
    ).not.toContain(key);
    const values = letters.map(({ value, message: told }) => `${value} ${told}`).join();
    expect(values).not.toContain(key);
  });
});

describe('the rate of a key', () => {
  it('counts events, lets a batch over it pass whole, and says when to come again', async () => {
    const { key } = await newKey({ events_per_second: 10 });
    expect((await one.post('/v1/batch', batch(30), basic(key))).statusCode).toBe(200);
    const response = await one.post('/v1/track', message({ writeKey: key }));
    expect(response.statusCode).toBe(429);
    expect(response.json()).toMatchObject({ success: false, reason: 'rate_exceeded' });
    // 30 of 10 are taken: 2.1 s until there is one.
    expect(['2', '3']).toContain(response.headers['retry-after']);
    expect((await two.post('/v1/track', message({ writeKey: key }))).statusCode).toBe(200);
    await vi.waitFor(
      async () => expect((await one.post('/v1/track', message({ writeKey: key }))).statusCode).toBe(200),
      { timeout: 10_000, interval: 100 },
    );
  });

  it('of one key is nothing to another', async () => {
    const [busy, idle] = [await newKey({ events_per_second: 1 }), await newKey({ events_per_second: 1 })];
    await one.post('/v1/batch', batch(100), basic(busy.key));
    expect((await one.post('/v1/track', message(), basic(busy.key))).statusCode).toBe(429);
    expect((await one.post('/v1/track', message(), basic(idle.key))).statusCode).toBe(200);
  });
});

describe('the daily quota of a key', () => {
  it('is one for all instances, and outlives them', async () => {
    const { key } = await newKey({ events_per_day: 100 });
    expect((await one.post('/v1/batch', batch(60), basic(key))).statusCode).toBe(200);
    // More than is left is refused whole; less passes.
    const over = await one.post('/v1/batch', batch(41), basic(key));
    expect(over.statusCode).toBe(429);
    expect(over.json()).toMatchObject({ reason: 'quota_exceeded' });
    const untilMidnight = 86_400 - ((Date.now() / 1_000) % 86_400);
    expect(Math.abs(Number(over.headers['retry-after']) - untilMidnight)).toBeLessThan(60);
    // What is over any quota is refused, and the refusal says how much is used.
    await vi.waitFor(async () => {
      const { message: told } = (await two.post('/v1/batch', batch(101), basic(key))).json();
      expect(told).toMatch(/ 60 of its 100 events /);
    }, withinSeconds);
    expect((await two.post('/v1/batch', batch(41), basic(key))).statusCode).toBe(429);
    expect((await two.post('/v1/batch', batch(30), basic(key))).statusCode).toBe(200);

    await Promise.all([one.stop(), two.stop()]);
    [one, two] = await Promise.all([keys.startInstance(), keys.startInstance()]);
    for (const instance of [one, two])
      expect((await instance.post('/v1/batch', batch(11), basic(key))).statusCode).toBe(429);
    expect((await one.post('/v1/batch', batch(10), basic(key))).statusCode).toBe(200);
  });

  it('does not count what the client is told to send again', async () => {
    const { key } = await newKey({ events_per_day: 10 });
    const spy = vi
      .spyOn(GroupCommit.prototype, 'send')
      .mockRejectedValueOnce(new WindrowError('KAFKA_UNAVAILABLE', 'away', { retriable: true }));
    expect((await one.post('/v1/batch', batch(10), basic(key))).statusCode).toBe(503);
    spy.mockRestore();
    expect((await one.post('/v1/batch', batch(10), basic(key))).statusCode).toBe(200);
    expect((await one.post('/v1/track', message(), basic(key))).statusCode).toBe(429);
  });
});

describe('ingestion warnings', () => {
  const dayMs = 86_400_000;
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

  it('are counted by the source of the key', async () => {
    const source = randomUUID();
    const { key } = await newKey({ source });
    const send = (body: object, path = '/v1/track') => one.post(path, body, basic(key));
    await send(message());
    expect(await one.warnings(source)).toEqual({});

    const noted = 'doubtful_values';
    const cases: [string, object, also?: string][] = [
      ['clock_skew', message({ sentAt: ago(1.1 * dayMs), timestamp: ago(1.1 * dayMs) }), noted],
      ['clock_skew', message({ timestamp: ago(3 * dayMs) })],
      ['clock_implausible', message({ sentAt: ago(dayMs / 2), timestamp: ago(0) }), noted],
      ['clock_implausible', message({ sentAt: '+287168-10-07T04:00:00Z', timestamp: ago(0) }), noted],
      [noted, message({ context: { location: { latitude: 'north' } } })],
      ['time_unit_guessed', message({ timestamp: Math.floor(Date.now() / 1_000) })],
      ['unknown_fields', message({ evnet: 'Opened' })],
      ['dropped_by_rule', message({ event: undefined })],
      ['too_large', message({ properties: { x: 'x'.repeat(33_000) } })],
      ['too_large', message({ properties: { x: 'x'.repeat(600_000) } })],
    ];
    const expected: Record<string, number> = {};
    for (const [warning, body, also] of cases) {
      await send(body);
      for (const each of also ? [warning, also] : [warning]) expected[each] = (expected[each] ?? 0) + 1;
      expect(await one.warnings(source), warning).toEqual(expected);
    }
    const sent = message();
    await send(sent);
    await send({ batch: [sent, sent, message()].map((each) => ({ type: 'track', ...each })) }, '/v1/batch');
    expect(await one.warnings(source)).toEqual({ ...expected, duplicate_id: 2 });
  });

  it('are none for what is right: an old event sent later, the fields of the specification, a corrected observation', async () => {
    const source = randomUUID();
    const { key } = await newKey({ source });
    await one.post('/v1/track', message({ sentAt: ago(0), timestamp: ago(3 * dayMs), writeKey: key }));
    const specified = { integrations: {}, version: 2, channel: 'server', receivedAt: ago(0), _metadata: {} };
    const batched = { type: 'identify', traits: {}, ...specified, writeKey: key };
    await one.post('/v1/batch', { batch: [message(batched)], sentAt: ago(0), writeKey: key });
    for (const temperature_c of [1, 2])
      await one.post('/v1/weather', { ...observation, temperature_c }, basic(key));
    expect(await one.warnings(source)).toEqual({});
  });

  it('have the source none without a key', async () => {
    const lenient = await keys.startInstance({ required: false });
    await lenient.post('/v1/track', message({ evnet: 'Opened' }));
    expect(await lenient.warnings('none')).toEqual({ unknown_fields: 1 });
    await lenient.stop();
  });
});
