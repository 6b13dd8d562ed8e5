import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, type AvroRecordSchema, type EventRecord } from '@windrow/contracts';
import type { FetchedBatch } from '@windrow/pipeline';
import { sendCompressed } from '@windrow/pipeline/testing';
import { afterAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { type Installation, installation } from '../fixtures/installation.ts';

let here: Installation;
const opened: Installation[] = [];
const endpoints = inject('endpoints');
const brokers = (endpoints.KAFKA_BROKERS ?? '').split(',');
beforeEach(async () => {
  here = await installation(endpoints, 1);
  opened.push(here);
});
afterAll(() => Promise.all(opened.map((each) => each.close())));

const waitMs = { timeout: 40_000, interval: 100 };
const done = () => vi.waitFor(async () => expect(await here.isDone()).toBe(true), waitMs);

const occurred_at = Date.parse('2024-05-01T12:00:00Z');
const event = (values: EventRecord = {}): EventRecord => ({
  ...Object.fromEntries(here.of('track').schema.fields.map(({ name }) => [name, null])),
  ...{ event_id: randomUUID(), type: 'track', event_name: 'Seen', user_id: 'u', occurred_at },
  received_at: occurred_at,
  ...values,
});

const enrichedIds = async () => (await here.enriched('track')).map(({ value }) => value.event_id);

/** All of a topic's one partition. */
async function fetched(topic: string): Promise<FetchedBatch> {
  const records: FetchedBatch['records'] = [];
  const reader = await here.broker.read({ topic, onBatch: (batch) => void records.push(...batch.records) });
  const ends = await here.broker.endOffsets(topic);
  await reader.reached(ends).finally(() => reader.close());
  const end = ends.get(0) ?? 0;
  return { topic, partition: 0, records, firstOffset: 0, nextOffset: end, endOffset: end };
}

test('an event waits for the weather that was there before it, however slowly the table is read', async () => {
  const gate = Promise.withResolvers<void>();
  const topic = here.topicOf('track');
  const { enricher, close } = await here.handler(gate.promise);
  const { signal } = new AbortController();
  await enricher.assigned([{ topic, partition: 0 }], signal);
  const nulls = Object.fromEntries(here.of('weather').schema.fields.map(({ name }) => [name, null]));
  await here.send('weather', [{ ...nulls, city: 'Zurich', observed_at: occurred_at, temperature_c: 21 }]);
  await here.send('track', [event({ city: 'Zurich' })]);
  const batch = enricher.batch(await fetched(topic), signal);
  const first = await Promise.race([batch.then(() => 'enriched'), sleep(500, 'waiting')]);
  expect(first).toBe('waiting');
  gate.resolve();
  await batch;
  const [joined] = await here.enriched('track');
  expect(joined?.value).toMatchObject({ weather_match: 'matched', temperature_c: 21 });
  await close();
});

test('a process that has lost its partition can’t commit any more, and comes back exact', async () => {
  const topic = here.topicOf('track');
  const events = Array.from({ length: 6 }, () => event());
  await here.send('track', events);
  const { records } = await fetched(topic);
  const range = (firstOffset: number, nextOffset: number): FetchedBatch => ({
    ...{ topic, partition: 0, endOffset: events.length, firstOffset, nextOffset },
    records: records.slice(firstOffset, nextOffset),
  });
  const { signal } = new AbortController();
  const [zombie, owner] = [await here.handler(), await here.handler()];
  const take = ({ enricher }: typeof zombie) => enricher.assigned([{ topic, partition: 0 }], signal);

  expect(await take(zombie)).toEqual([{ topic, partition: 0, offset: 0 }]);
  await zombie.enricher.batch(range(0, 2), signal);
  expect(await take(owner)).toEqual([{ topic, partition: 0, offset: 2 }]);
  const refused = { code: 'KAFKA_FENCED', retriable: true };
  await expect(zombie.enricher.batch(range(2, 4), signal)).rejects.toMatchObject(refused);
  await owner.enricher.batch(range(2, 5), signal);
  await expect(zombie.enricher.batch(range(2, 4), signal)).rejects.toMatchObject({ code: 'LEDGER_LOST' });

  expect(await take(zombie)).toEqual([{ topic, partition: 0, offset: 5 }]);
  await zombie.enricher.batch(range(5, 6), signal);
  await expect(owner.enricher.batch(range(5, 6), signal)).rejects.toMatchObject(refused);
  expect(await enrichedIds()).toEqual(events.map(({ event_id }) => event_id));
  // Ids of the refused range were in the zombie's state; they must not make duplicates of what the owner wrote.
  expect((await here.accounts()).map(({ accepted, duplicates }) => [accepted, duplicates])).toEqual([
    [2, 0],
    [3, 0],
    [1, 0],
  ]);
  await Promise.all([zombie.close(), owner.close()]);
});

test('members come and go while events flow: each event is there once', async () => {
  const ids: unknown[] = [];
  const sendSome = async () => {
    const events = Array.from({ length: 300 }, () => event());
    ids.push(...events.map(({ event_id }) => event_id));
    await here.send('track', [...events, ...events.slice(0, 50)]);
  };
  here = await installation(endpoints, 4);
  opened.push(here);
  const first = here.start();
  await first.started;
  await sendSome();
  const second = here.start();
  for (let step = 0; step < 5; step++) await sendSome();
  await second.started;
  await sendSome();
  await first.stop();
  await sendSome();
  await done();
  await second.stop();
  expect([...first.failures, ...second.failures]).toEqual([]);
  expect((await enrichedIds()).sort()).toEqual([...ids].sort());
  const accounts = await here.accounts();
  expect(accounts.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(8 * 50);
});

test('writers of older and newer schemas, interleaved in one partition', async () => {
  const { schema } = here.of('track');
  const topic = here.topicOf('track');
  const older: AvroRecordSchema = {
    ...schema,
    fields: schema.fields.filter(({ name }) => !name.startsWith('app_')),
  };
  const newer: AvroRecordSchema = {
    ...schema,
    fields: [
      { name: 'campaign', type: ['null', 'string'], default: null },
      ...schema.fields,
      { name: 'score', type: 'double', default: 0 },
    ],
  };
  const versions = await Promise.all(
    [schema, older, newer].map(async (each) => ({
      codec: new AvroCodec(each, here.avro),
      id: await here.avro.register(topic, each),
    })),
  );
  expect(new Set(versions.map(({ id }) => id)).size).toBe(3);
  const events = Array.from({ length: 30 }, () => event({ app_name: 'x', campaign: 'may', score: 1 }));
  await here.sendRaw(
    'track',
    events.map((record, index) => {
      const version = versions[index % 3] as (typeof versions)[number];
      return { key: 'u', value: version.codec.encode(record, version.id) };
    }),
  );
  const enricher = here.start();
  await done();
  await enricher.stop();
  const all = (await here.enriched('track')).map(({ value }) => value);
  expect(all.map(({ event_id }) => event_id)).toEqual(events.map(({ event_id }) => event_id));
  expect(all.map(({ app_name }) => app_name)).toEqual(
    events.map((_, index) => (index % 3 === 1 ? null : 'x')),
  );
});

test.each(['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const)(
  'records compressed with %s by a foreign producer',
  async (codec) => {
    const events = Array.from({ length: 100 }, () => event());
    await sendCompressed(brokers, codec, {
      topic: here.topicOf('track'),
      records: here.encoded('track', events).map(({ key, value }) => ({ key, value })),
    });
    const enricher = here.start();
    await done();
    await enricher.stop();
    expect(await enrichedIds()).toEqual(events.map(({ event_id }) => event_id));
  },
);

test('an event too large to be passed on becomes a dead letter, cut to fit, and the next one passes', async () => {
  const [large, next] = [event({ properties: JSON.stringify('a'.repeat(3_000_000)) }), event()];
  await sendCompressed(brokers, 'GZIP', {
    topic: here.topicOf('track'),
    records: here.encoded('track', [large, next]).map(({ key, value }) => ({ key, value })),
  });
  const enricher = here.start();
  await done();
  await enricher.stop();
  expect(await enrichedIds()).toEqual([next.event_id]);
  const [letter] = await here.deadLetters();
  expect(letter).toMatchObject({ stage: 'encode', reason: 'too_large', offset: 0 });
  expect(letter?.schema_id).toBe(here.schemaIds.get(here.topicOf('track')));
  expect(letter?.message).toMatch(/cut: the first \d+ of 3\d{6} bytes/);
  expect(letter?.value?.length).toBeGreaterThan(900_000);
});

/** The real registry behind an address that can be made to fail: the registry itself can't be stopped for one test. */
async function interruptibleRegistry(): Promise<{ url: string; away: boolean; server: Server }> {
  const target = endpoints.SCHEMA_REGISTRY_URL ?? '';
  const server = createServer(async (request, response) => {
    if (state.away) return void response.writeHead(503).end('{"error_code":50302,"message":"away"}');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await fetch(`${target}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/json',
    });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  const state = { url: '', away: false, server };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

test('while the registry is away it waits, not ready, and dead-letters nothing', async () => {
  const registry = await interruptibleRegistry();
  registry.away = true;
  const enricher = here.start({ registryUrl: registry.url });
  try {
    await vi.waitFor(() => expect(enricher.readiness.reasons().topics).toMatch(/registry.*did not/), waitMs);
    registry.away = false;
    await enricher.started;
    const before = event();
    await here.send('track', [before]);
    await done();
    registry.away = true;
    const { schema } = here.of('track');
    const newer = { ...schema, fields: [...schema.fields, { name: 'score', type: 'double', default: 0 }] };
    const id = await here.avro.register(here.topicOf('track'), newer);
    const after = event({ score: 1 });
    const value = new AvroCodec(newer, here.avro).encode(after, id);
    await here.sendRaw('track', [{ key: 'u', value }]);
    await vi.waitFor(
      () => expect(enricher.readiness.reasons().registry).toMatch(/did not give schema/),
      waitMs,
    );
    expect(await here.isDone()).toBe(false);
    registry.away = false;
    await done();
    expect(await enrichedIds()).toEqual([before.event_id, after.event_id]);
    expect(await here.deadLetters()).toEqual([]);
    await vi.waitFor(() => expect(enricher.readiness.reasons()).toEqual({}), waitMs);
    expect(enricher.failures).toEqual([]);
  } finally {
    await enricher.stop();
    registry.server.close();
  }
});

test('a missing topic is named, with the way out', async () => {
  here = await installation(endpoints, 1);
  opened.push(here);
  const [track] = here.contracts;
  if (!track) throw new Error('no streams');
  track.topics.raw = { ...track.topics.raw, name: `${track.topics.raw.name}.gone` };
  const enricher = here.start();
  await expect(enricher.started).rejects.toMatchObject({
    code: 'TOPIC_MISSING',
    message: expect.stringMatching(/\.gone; create the topics with: windrow streams apply/),
  });
  await enricher.stop();
});
