import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import cors from '@fastify/cors';
import type { AvroRegistry, StreamContract } from '@windrow/contracts';
import { DeadLetterEncoder, Intake } from '@windrow/pipeline';
import type { Logger } from '@windrow/runtime';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Access } from './auth/access.ts';
import { addAccess, admit } from './auth/plugin.ts';
import { BodyReader } from './body-reader.ts';
import { busy, HttpError, httpErrorOf, sendError } from './http-error.ts';
import { MessageInspector } from './message-inspector.ts';
import { addDocs, eventsSchema } from './openapi.ts';
import { addSdkSettings } from './sdk-settings.ts';
import { type InspectedIntake, Submission, type SubmissionParts } from './submission.ts';
import type { TlsKeyPair } from './tls.ts';

/** The time to wait for Kafka's acknowledgement. After it the response is 503. */
const ackTimeoutMs = 10_000;
/** The time in which a client must send its headers, and its whole request. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
/** Longer than the usual idle timeout of load balancers, so that they close idle connections before the server does. */
const keepAliveTimeoutMs = 75_000;
const maxConnections = 20_000;
/** The limit of concurrent requests over all connections. */
const maxRequests = 10_000;
/** Browsers cache a preflight for at most two hours. */
const preflightMaxAgeSeconds = 7_200;

export interface ServerParts extends SubmissionParts {
  /** One for each stream that has routes. */
  intakes: InspectedIntake[];
  access: Access;
  log: Logger;
}

export interface ServerOptions {
  /** Origins of web pages that may send events. Default: all. */
  corsOrigins?: string[];
  tls?: TlsKeyPair;
  ackTimeoutMs?: number;
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  maxRequests?: number;
}

/** Opens an intake for each stream with routes. @throws WindrowError SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
export async function openIntakes(
  contracts: StreamContract[],
  registry: AvroRegistry,
): Promise<{ intakes: InspectedIntake[]; deadLetterEncoder: DeadLetterEncoder }> {
  const intakes: InspectedIntake[] = [];
  for (const contract of contracts) {
    if (!contract.http) continue;
    const intake = await Intake.open(contract, registry);
    intakes.push({ intake, inspector: new MessageInspector(contract) });
  }
  return { intakes, deadLetterEncoder: await DeadLetterEncoder.open(registry) };
}

/**
 * Serves the routes that the contracts declare, all of them `POST`, compatible with Segment's HTTP API. The response is sent
 * when Kafka has acknowledged the records:
 * - 200 `{"success":true}`: all messages are accepted.
 * - 400 with the reasons: some messages are rejected and become dead letters; the others are accepted.
 * - other 4xx: no message is accepted.
 * - 503 with Retry-After: Kafka is unavailable or the server is overloaded.
 *
 * Memory is bounded whatever clients send: bodies by {@link BodyReader}, records by the group commit, requests and connections
 * by limits of their number and duration.
 */
export function createServer(parts: ServerParts, options: ServerOptions = {}): FastifyInstance {
  const limits = {
    requestTimeout: options.requestTimeoutMs ?? requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    http: {
      headersTimeout: options.headersTimeoutMs ?? headersTimeoutMs,
      // How often Node checks both timeouts.
      connectionsCheckingInterval: Math.min(options.headersTimeoutMs ?? headersTimeoutMs, 5_000),
    },
  };
  const app = fastify({
    ...limits,
    ...(options.tls && { https: { ...limits.http, ...options.tls, handshakeTimeout: headersTimeoutMs } }),
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    clientErrorHandler: answerBrokenRequest,
  }) as FastifyInstance;
  app.server.maxConnections = maxConnections;

  void app.register(cors, {
    origin: options.corsOrigins ?? '*',
    methods: ['GET', 'POST'],
    // Otherwise an SDK in a browser can't read the header.
    exposedHeaders: ['retry-after'],
    maxAge: preflightMaxAgeSeconds,
    strictPreflight: false,
  });
  limitRequests(app, options.maxRequests ?? maxRequests);
  answerErrors(app, parts.log);
  app.addHook('onResponse', async (request, reply) => {
    parts.metrics.requests.inc({ route: request.routeOptions.url ?? 'none', status: reply.statusCode });
    if (reply.statusCode === 413)
      parts.metrics.warnings.inc({ source: request.source ?? 'none', warning: 'too_large' });
  });

  addAccess(app, parts.access);

  const bodies = new BodyReader();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: Readable) =>
    bodies.read(request, payload),
  );

  void app.register(async (routes) => {
    await addDocs(routes);
    addSdkSettings(routes);
    for (const inspected of parts.intakes) {
      const { contract } = inspected.intake;
      for (const route of contract.http ?? []) {
        const config = { stream: contract.name };
        const schema = eventsSchema(contract, route);
        routes.post(route.path, { config, schema }, async (request, reply) => {
          const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
          const submission = new Submission(parts, inspected, route, Date.now());
          submission.takeBody(body, (value, events) => admit(parts.access, request, value, events));
          const rejected = await submission.send(AbortSignal.timeout(options.ackTimeoutMs ?? ackTimeoutMs));
          if (rejected.length === 0) return { success: true };
          const { accepted } = submission;
          const message = `${rejected.length} of ${rejected.length + accepted} messages are rejected; ${accepted} are accepted.`;
          return reply
            .code(400)
            .send({ success: false, reason: 'rejected', message, accepted, errors: rejected });
        });
      }
    }
  });
  return app;
}

/**
 * Rejects requests over the limit with 503; there is no queue. Requests whose body is still being received don't count:
 * otherwise slow clients could block the others.
 */
function limitRequests(app: FastifyInstance, max: number): void {
  let requests = 0;
  app.addHook('preHandler', async (_request, reply) => {
    if (requests >= max) throw busy('overloaded', 'too many concurrent requests');
    requests += 1;
    // Unlike onResponse, this event is also emitted when the client has closed the connection.
    reply.raw.once('close', () => {
      requests -= 1;
    });
  });
}

function answerErrors(app: FastifyInstance, log: Logger): void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    methods.set(url, new Set([...(methods.get(url) ?? []), ...[method].flat()]));
  });
  const notFound = ({ url, method }: FastifyRequest): HttpError => {
    const path = url.split('?', 1)[0] ?? '';
    const allowed = methods.get(path);
    if (!allowed) return new HttpError(404, 'not_found', `The path ${path.slice(0, 200)} does not exist.`);
    const allow = [...allowed].join(', ');
    return new HttpError(405, 'method_not_allowed', `${path} does not support ${method}; use ${allow}.`, {
      allow,
    });
  };
  app.setNotFoundHandler((request, reply) => sendError(reply, notFound(request)));
  app.setErrorHandler((error: Error, request, reply) => {
    // Fastify checks the body before it looks for the route, so an unknown path may fail with an error about the body.
    const known = request.is404 && !(error instanceof HttpError) ? notFound(request) : httpErrorOf(error);
    if (known) return sendError(reply, known);
    log.error({ err: error, route: request.routeOptions.url }, 'request failed');
    return sendError(reply, new HttpError(500, 'internal', 'internal error'));
  });
}

/** Answers a connection whose bytes are not HTTP or arrive too slowly: Fastify has no request to reply to. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  // Neither a lost connection nor a failed TLS handshake can be answered.
  if (!socket.writable || !/^(HPE|ERR_HTTP)_/.test(error.code ?? '')) return void socket.destroy();
  const [status, reason, message] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? [408, 'request_timeout', 'The client took too long to send the request.']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'headers_too_large', 'The headers are too large.']
        : [400, 'bad_request', 'The request is not valid HTTP.'];
  const body = JSON.stringify({ success: false, reason, message });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status as number]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
