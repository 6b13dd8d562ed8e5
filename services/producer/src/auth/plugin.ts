import type { WriteKey } from '@windrow/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access, Admission } from './access.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The stream that a route takes events for: it needs a write key. */
    stream?: string;
  }
  interface FastifyRequest {
    /** The source that the write key was given to; null without a key, where none is needed. */
    source: string | null;
    writeKey: WriteKey | null;
    admission: Admission | null;
  }
}

/**
 * Routes with `config.stream` need a write key: 401, 403 and a rate's 429 are answered before the body is read where the key
 * is in the header. What the body says is for the route to hand on: {@link admit}.
 */
export function addAccess(app: FastifyInstance, access: Access): void {
  app.decorateRequest('source', null);
  app.decorateRequest('writeKey', null);
  app.decorateRequest('admission', null);
  app.addHook('onRequest', async (request) => {
    const { stream } = request.routeOptions.config ?? {};
    const key = basicUser(request.headers.authorization);
    if (stream === undefined || key === undefined) return;
    identify(request, access.authenticate(key, stream));
    if (request.writeKey) access.checkRate(request.writeKey);
  });
  app.addHook('onResponse', async ({ admission }, { statusCode }) => {
    if (admission && statusCode >= 500) access.takeBack(admission);
  });
}

/**
 * To be called when the body is known, before anything of it is taken. A key in the header comes before the body's
 * `writeKey`; keys of single messages of a batch are not asked for. `events`: how many the body has.
 * Gives the source. Error: HttpError
 */
export function admit(access: Access, request: FastifyRequest, body: unknown, events: number): string | null {
  const { stream = '' } = request.routeOptions.config ?? {};
  if (request.writeKey === null) identify(request, access.authenticate(writeKeyIn(body), stream));
  if (request.writeKey) request.admission = access.admit(request.writeKey, events);
  return request.source;
}

/** The message as it goes on: a key must not come to rest in a dead letter. */
export function withoutWriteKey(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || !('writeKey' in message)) return message;
  const { writeKey: _, ...rest } = message;
  return rest;
}

/** The same for a body that is no message: every `"writeKey": "…"` in its text is hidden. */
export function hideWriteKeys(body: Buffer): Buffer {
  const text = body.toString('latin1');
  const hidden = text.replace(/("writeKey"\s*:\s*")[^"]*/g, '$1***');
  return hidden === text ? body : Buffer.from(hidden, 'latin1');
}

function identify(request: FastifyRequest, writeKey: WriteKey | null): void {
  request.writeKey = writeKey;
  request.source = writeKey?.source ?? null;
}

function writeKeyIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('writeKey' in body)) return undefined;
  return typeof body.writeKey === 'string' && body.writeKey !== '' ? body.writeKey : undefined;
}

/** The user name of HTTP Basic authentication (RFC 7617), also where the colon is missing, as Segment takes it. */
function basicUser(authorization: string | undefined): string | undefined {
  const credentials = /^basic +([a-z0-9+/_-]+=*) *$/i.exec(authorization ?? '')?.[1];
  if (credentials === undefined) return undefined;
  return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] || undefined;
}
