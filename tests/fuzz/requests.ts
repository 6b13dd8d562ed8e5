import { gzipSync } from 'node:zlib';
import type { Draw } from '../chaos/draw.ts';
import { made, mutateBytes, mutateJson } from './mutate.ts';

export interface FuzzRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

const startMs = Date.UTC(2024, 4, 1);
const calls = ['track', 'page', 'screen', 'identify', 'group', 'alias'] as const;

/** A request of an SDK with mutated JSON, bytes, headers or path. One in ten is unchanged. */
export function drawRequest(draw: Draw, id: string): FuzzRequest {
  const request = soundRequest(draw, id);
  if (draw.chance(0.1)) return request;
  if (draw.chance(0.7)) {
    const changed = mutateJson(JSON.parse(request.body.toString()), draw);
    request.body = Buffer.from(JSON.stringify(changed));
  }
  if (draw.chance(0.3)) request.body = mutateBytes(request.body, draw);
  if (draw.chance(0.15)) gzip(request, draw);
  if (draw.chance(0.1)) {
    request.headers['content-type'] = draw.one(['', 'text/plain', 'text/xml', 'multipart/form-data', '/;=']);
  }
  if (draw.chance(0.03)) request.headers['content-encoding'] = draw.one(['br', 'deflate', 'x', 'gzip, gzip']);
  if (draw.chance(0.03)) request.method = draw.one(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']);
  if (draw.chance(0.03)) request.path = mutatedPath(request.path, draw);
  if (draw.chance(0.03)) request.headers['x-fuzz'] = made(draw, 40).toString('hex');
  if (draw.chance(0.03))
    request.headers.authorization = draw.one(['Basic', 'Basic !', 'Bearer x', 'Basic Og==']);
  return request;
}

function soundRequest(draw: Draw, id: string): FuzzRequest {
  const headers = { 'content-type': 'application/json' };
  const post = (path: string, body: unknown) => ({
    method: 'POST',
    path,
    headers,
    body: Buffer.from(JSON.stringify(body)),
  });
  const kind = draw.between(0, 9);
  if (kind === 0) {
    return post(
      '/v1/weather',
      draw.chance(0.5)
        ? observation(draw)
        : Array.from({ length: draw.between(0, 5) }, () => observation(draw)),
    );
  }
  if (kind < 4) {
    const batch = Array.from({ length: draw.between(0, 10) }, (_, index) => message(draw, `${id}-${index}`));
    const body = { batch, sentAt: new Date(startMs).toISOString(), context: { library: { name: 'fuzz' } } };
    return post(draw.one(['/v1/batch', '/v1/import']), body);
  }
  const one = message(draw, id);
  return post(`/v1/${one.type}`, one);
}

function message(draw: Draw, id: string) {
  return {
    type: draw.one(calls),
    messageId: id,
    event: draw.one(['Ride Started', 'Ride Ended', 'Order Completed']),
    userId: `user-${draw.between(0, 999)}`,
    timestamp: new Date(startMs + draw.between(0, 86_400_000)).toISOString(),
    properties: { price: draw.between(0, 10_000) / 100, items: [{ sku: 'a', quantity: draw.between(1, 9) }] },
    traits: { plan: draw.one(['free', 'pro']) },
    context: { timezone: 'Europe/Zurich', location: { city: 'Zurich', latitude: 47.4, longitude: 8.5 } },
  };
}

function observation(draw: Draw) {
  return {
    city: draw.one(['Zurich', 'Bern', 'Geneva']),
    observed_at: new Date(startMs + draw.between(0, 1_000) * 3_600_000).toISOString(),
    temperature_c: draw.between(-200, 400) / 10,
    humidity: draw.between(0, 100) / 100,
  };
}

function gzip(request: FuzzRequest, draw: Draw): void {
  const zipped = gzipSync(request.body);
  request.headers['content-encoding'] = 'gzip';
  request.body = draw.chance(0.3) ? mutateBytes(zipped, draw) : zipped;
}

function mutatedPath(path: string, draw: Draw): string {
  return draw.one([
    `${path}/`,
    `${path}?a=b&a=%ff`,
    '/',
    '/v1',
    `/v1/%2e%2e${path}`,
    `${path}%00`,
    '//v1/track',
  ]);
}
