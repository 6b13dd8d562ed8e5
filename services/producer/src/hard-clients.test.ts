import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { GroupCommit, KafkaBroker } from '@windrow/pipeline';
import { recordsOf } from '@windrow/pipeline/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type HttpProducer, startHttpProducer } from '../fixtures/http.ts';
import { BodyReader, maxBodyBytes } from './body-reader.ts';

let producer: HttpProducer;
beforeAll(async () => {
  producer = await startHttpProducer();
});
afterAll(() => producer.close());

/** A connection and everything that it has received. */
async function client(
  url = producer.url,
): Promise<{ socket: Socket; received(): string; closed: Promise<unknown> }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let received = '';
  socket.on('data', (piece) => {
    received += piece.toString();
  });
  // A server that rejects a body may close the connection while the client still sends.
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return { socket, received: () => received, closed };
}

const request = (body: string, more = '') =>
  `POST /v1/track HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;
const event = (messageId = randomUUID()) => JSON.stringify({ event: 'E', userId: 'u', messageId });
const statuses = (received: string) =>
  [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
const json = (received: string) => JSON.parse(received.slice(received.lastIndexOf('\r\n\r\n') + 4));

describe('a slow client', () => {
  it.each([
    ['with its headers', 'POST /v1/track HTTP/1.1\r\nhost:'],
    ['with its body', 'POST /v1/track HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n{'],
    ['with everything', ''],
  ])('is cut off when it is slow %s', async (_, start) => {
    const url = await producer.listen({ headersTimeoutMs: 300, requestTimeoutMs: 300 });
    const { socket, received, closed } = await client(url);
    socket.write(start);
    await closed;
    expect(statuses(received())).toEqual([408]);
    expect(json(received())).toMatchObject({ success: false, reason: 'request_timeout' });
  });

  it('does not hold back others, however many there are', async () => {
    const url = await producer.listen({ maxRequests: 50 });
    const slow = await Promise.all(Array.from({ length: 200 }, () => client(url)));
    for (const { socket } of slow)
      socket.write('POST /v1/track HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n{');
    const response = await fetch(`${url}/v1/track`, { method: 'POST', body: event() });
    expect(response.status).toBe(200);
    for (const { socket } of slow) socket.destroy();
  });
});

describe('a client that sends without end', () => {
  it('is cut off, without the rest being read', async () => {
    const { socket, received, closed } = await client();
    const piece = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    socket.write('POST /v1/track HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n');
    let pieces = 0;
    const more = () => {
      while (!socket.destroyed && socket.write(piece)) pieces += 1;
    };
    socket.on('drain', more);
    more();
    await closed;
    // The client may or may not read the response, since it continues to send.
    expect([[], [413]]).toContainEqual(statuses(received()));
    expect(pieces * 0x10000).toBeLessThan(100 * maxBodyBytes);
  });

  it('gets to read its 413 when its body is a few times too large', async () => {
    const responses = await Promise.all(
      [2, 4, 7].map((times) =>
        fetch(`${producer.url}/v1/batch`, { method: 'POST', body: 'x'.repeat(times * maxBodyBytes) }),
      ),
    );
    expect(responses.map(({ status }) => status)).toEqual([413, 413, 413]);
  });

  it('is told 431 for headers', async () => {
    const { socket, received, closed } = await client();
    socket.write(`POST /v1/track HTTP/1.1\r\nhost: h\r\nx-long: ${'x'.repeat(20_000)}`);
    await closed;
    expect(statuses(received())).toEqual([431]);
    expect(json(received())).toMatchObject({ success: false, reason: 'headers_too_large' });
  });

  it('is told 400 for what is no HTTP', async () => {
    const { socket, received, closed } = await client();
    socket.write('{"event":"E"}\r\n\r\n');
    await closed;
    expect(statuses(received())).toEqual([400]);
    expect(json(received())).toMatchObject({ success: false, reason: 'bad_request' });
  });
});

describe('a client that sends many requests on one connection', () => {
  it('gets its answers in their order', async () => {
    const { socket, received } = await client();
    socket.write([request(event()), request('{'), request(event()), request(event())].join(''));
    await vi.waitFor(() => expect(statuses(received())).toEqual([200, 400, 200, 200]), { timeout: 20_000 });
    socket.destroy();
  });

  it('is told to come again with those that are over the number at work', async () => {
    const url = await producer.listen({ maxRequests: 20 });
    const { socket, received } = await client(url);
    socket.write(Array.from({ length: 100 }, () => request(event())).join(''));
    await vi.waitFor(() => expect(statuses(received())).toHaveLength(100), { timeout: 20_000 });
    const refused = statuses(received()).filter((status) => status === 503).length;
    expect(refused).toBeGreaterThan(0);
    expect(statuses(received()).filter((status) => status === 200)).toHaveLength(100 - refused);
    expect(received()).toMatch(/retry-after: 5/);
    // Completed requests free their slots.
    const response = await fetch(`${url}/v1/track`, { method: 'POST', body: event() });
    expect(response.status).toBe(200);
    socket.destroy();
  });
});

describe('a client that hangs up', () => {
  const queuedBytes = async () => (await producer.metrics.queuedBytes.get()).values[0]?.value;

  it('before it has its answer has its event in Kafka all the same, and leaves nothing behind', async () => {
    const messageId = randomUUID();
    const { socket, closed } = await client();
    socket.write(request(event(messageId)));
    await vi.waitFor(async () => expect(await queuedBytes()).toBeGreaterThan(0), { interval: 1 });
    socket.destroy();
    await closed;
    await vi.waitFor(async () => expect(await queuedBytes()).toBe(0), { timeout: 20_000 });
    const records = await recordsOf(producer.broker, producer.registry, producer.track);
    expect(records.map(({ event_id }) => event_id)).toContain(messageId);
  });

  it('while Kafka is away leaves nothing behind once its time is over', async () => {
    // Nothing listens on the discard port.
    const away = new KafkaBroker({ brokers: ['127.0.0.1:9'], clientId: 'hard-clients-test' });
    const commit = new GroupCommit(away, { metrics: producer.metrics });
    const url = await producer.listen({ ackTimeoutMs: 500 }, commit);
    const clients = await Promise.all(Array.from({ length: 50 }, () => client(url)));
    for (const { socket } of clients) socket.write(request(event()));
    await vi.waitFor(async () => expect(await queuedBytes()).toBeGreaterThan(0), { interval: 1 });
    for (const { socket } of clients) socket.destroy();
    await vi.waitFor(async () => expect(await queuedBytes()).toBe(0), { timeout: 50_000 });
    await commit.close();
    await away.close();
  });
});

describe('bodies that are being received', () => {
  const headers = { headers: { 'content-type': 'application/json' } };
  const body = () => new Readable({ read: () => undefined });
  const settled = (promise: Promise<unknown>) =>
    promise.then(
      () => 'read',
      (error) => error.reason,
    );

  it('hold no more together than they may, whatever their number, and their pieces count however small', async () => {
    const reader = new BodyReader({ maxReceivingBytes: 10_000 });
    const bodies = Array.from({ length: 3 }, body);
    const reads = bodies.map((one) => settled(reader.read(headers, one)));
    for (let piece = 0; piece < 15; piece++) for (const one of bodies) one.push('x');
    expect(await Promise.race(reads)).toBe('overloaded');
    for (const one of bodies) one.push(null);
    expect((await Promise.all(reads)).sort()).toEqual(['overloaded', 'read', 'read']);
    expect(reader.receivingBytes).toBe(0);
  });

  it('hold nothing any more when their connection has ended', async () => {
    const reader = new BodyReader();
    const one = body();
    const read = settled(reader.read(headers, one));
    one.push('{"event":');
    await vi.waitFor(() => expect(reader.receivingBytes).toBeGreaterThan(0));
    one.destroy();
    expect(await read).toBe('bad_request');
    expect(reader.receivingBytes).toBe(0);
  });
});
