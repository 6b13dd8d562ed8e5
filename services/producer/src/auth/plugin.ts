import type { WriteKey } from '@windrow/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access, Admission } from './access.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The stream of a route that accepts events; such a route needs a write key. */
    stream?: string;
  }
  interface FastifyRequest {
    /** The source that the write key was created for; null if the request has no key and needs none. */
    source: string | null;
    writeKey: WriteKey | null;
    admission: Admission | null;
  }
}

/**
 * Makes routes with `config.stream` require a write key. If the key is in the header, responses 401, 403 and 429 (rate) are
 * sent before the body is read. For a key in the body, the route calls {@link admit}.
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
 * Authenticates the request and counts its events. A route calls it with the parsed body before it accepts any event of it. A
 * key in the header takes precedence over `writeKey` of the body; `writeKey` of single messages of a batch is ignored.
 * @param events the number of events in the body
 * @returns the source
 * @throws HttpError 401, 403, 429
 */
export function admit(access: Access, request: FastifyRequest, body: unknown, events: number): string | null {
  const { stream = '' } = request.routeOptions.config ?? {};
  if (request.writeKey === null) identify(request, access.authenticate(writeKeyIn(body), stream));
  if (request.writeKey) request.admission = access.admit(request.writeKey, events);
  return request.source;
}

/** Removes the key from a message: dead letters must not store keys. */
export function withoutWriteKey(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || !('writeKey' in message)) return message;
  const { writeKey: _, ...rest } = message;
  return rest;
}

/** Hides every `"writeKey": "…"` in the text of a body that can't be parsed. */
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

/** The user name of HTTP Basic authentication (RFC 7617). Like Segment, it accepts credentials without the colon. */
function basicUser(authorization: string | undefined): string | undefined {
  const credentials = /^basic +([a-z0-9+/_-]+=*) *$/i.exec(authorization ?? '')?.[1];
  if (credentials === undefined) return undefined;
  return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] || undefined;
}
