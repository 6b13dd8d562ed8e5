import assert from 'node:assert';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { cities } from '../cities.ts';
import type { ProducerClientOptions } from '../producer-client.ts';
import type { SimulationOptions } from './options.ts';
import { simulate } from './simulate.ts';
import { openHttpSink } from './to-http.ts';

interface Request {
  path: string;
  headers: IncomingHttpHeaders;
  body: unknown;
  atMs: number;
}
interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

const accepted: Answer = { status: 200, body: { success: true } };
const options: SimulationOptions = {
  rate: 4_000,
  minutes: 0.01,
  users: 50,
  cities: cities.slice(0, 3),
  faultShare: 0,
  seed: 5,
  startMs: Date.parse('2026-03-01T08:00:00Z'),
};

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A producer that answers as told, and what it was asked. */
async function producer(answer: (request: Request, number: number) => Answer): Promise<{
  requests: Request[];
  sink: (more?: Partial<ProducerClientOptions>) => ReturnType<typeof openHttpSink>;
}> {
  const requests: Request[] = [];
  server = createServer(async (incoming, reply) => {
    const request = {
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: JSON.parse(await text(incoming)) as unknown,
      atMs: performance.now(),
    };
    requests.push(request);
    const { status, headers, body } = answer(request, requests.length);
    reply.writeHead(status, headers).end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const never = new AbortController().signal;
  return {
    requests,
    sink: (more) => openHttpSink({ url, writeKey: undefined, signal: never, ...more }),
  };
}

const batchOf = ({ body }: Request) =>
  (body as { batch: { anonymousId: string; timestamp: string }[] }).batch;

test('batches have at most 100 messages, and those of a rider come in order', async () => {
  const { requests, sink } = await producer(() => accepted);
  const result = await simulate(options, { sink: sink(), signal: new AbortController().signal });
  expect(result).toMatchObject({ events: 2_400, observations: 3, messages: 2_403, interrupted: false });
  expect(requests[0]).toMatchObject({ path: '/v1/weather' });
  expect(requests[0]?.body).toHaveLength(3);
  const batches = requests.slice(1).map(batchOf);
  expect(batches.flat()).toHaveLength(2_400);
  for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(100);
  for (const ofRider of Map.groupBy(batches.flat(), ({ anonymousId }) => anonymousId).values()) {
    const times = ofRider.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted());
  }
});

test('a write key is sent as the Basic user', async () => {
  const { requests, sink } = await producer(() => accepted);
  await simulate(options, { sink: sink({ writeKey: 'wk_1' }), signal: new AbortController().signal });
  const authorization = `Basic ${Buffer.from('wk_1:').toString('base64')}`;
  expect(new Set(requests.map(({ headers }) => headers.authorization))).toEqual(new Set([authorization]));
});

test.each([429, 503])('a %i is waited out as long as it says, and nothing is lost', async (status) => {
  const { requests, sink } = await producer((_, number) =>
    number === 1 ? { status, headers: { 'retry-after': '1' } } : accepted,
  );
  const retries: string[] = [];
  const result = await simulate(options, {
    sink: sink({ onRetry: (reason) => retries.push(reason) }),
    signal: new AbortController().signal,
  });
  expect(result.events).toBe(2_400);
  expect(retries).toHaveLength(1);
  expect(retries[0]).toContain(`answered ${status}`);
  const [first, second] = requests;
  assert(first && second);
  expect(second.body).toEqual(first.body);
  expect(second.atMs - first.atMs).toBeGreaterThan(950);
});

test('what the producer refuses is counted by its reasons', async () => {
  const { sink } = await producer(({ path, body }) => {
    if (path === '/v1/weather') return accepted;
    const bad = (body as { batch: { type?: string }[] }).batch.filter(
      ({ type }) => type === 'unknown',
    ).length;
    const errors = Array.from({ length: bad }, (_, index) => ({
      index,
      reason: 'type_unknown',
      message: '',
    }));
    return bad === 0 ? accepted : { status: 400, body: { success: false, errors } };
  });
  const result = await simulate(
    { ...options, faultShare: 1 },
    { sink: sink(), signal: new AbortController().signal },
  );
  expect(result.rejected.type_unknown).toBeGreaterThan(100);
  expect(result.rejected.type_unknown).toBeLessThan(result.broken);
});

test('an answer that no patience mends ends the simulation, naming it and how far it came', async () => {
  const { sink } = await producer(({ path }) =>
    path === '/v1/weather' ? accepted : { status: 401, body: { message: 'no such write key' } },
  );
  const run = simulate(options, { sink: sink(), signal: new AbortController().signal });
  await expect(run).rejects.toMatchObject({
    code: 'HTTP_FAILED',
    message: expect.stringMatching(
      /\/v1\/batch answered 401: .*no such write key.*; 3 messages were sent before/,
    ),
  });
});

test('a signal ends it, and the result says what was sent', async () => {
  const stop = new AbortController();
  const { requests, sink } = await producer((_, number) => {
    if (number === 5) stop.abort();
    return accepted;
  });
  const result = await simulate({ ...options, minutes: 10 }, { sink: sink(), signal: stop.signal });
  expect(result.interrupted).toBe(true);
  expect(result.events).toBe(requests.slice(1).flatMap(batchOf).length);
  expect(result.events).toBeGreaterThan(0);
});
