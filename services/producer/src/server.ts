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

/** After this long without Kafka's acknowledgement, a client is told to come again. */
const ackTimeoutMs = 10_000;
/** A client has this long for its headers, and for the whole of its request. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
/** Longer than load balancers usually keep idle connections, so that it is they who close them. */
const keepAliveTimeoutMs = 75_000;
const maxConnections = 20_000;
/** Requests that may be at work at a time, whatever the number of connections: a client may send many on one. */
const maxRequests = 10_000;
/** Browsers ask no more than every two hours anyway. */
const preflightMaxAgeSeconds = 7_200;

export interface ServerParts extends SubmissionParts {
  /** One for each stream that has routes. */
  intakes: InspectedIntake[];
  access: Access;
  log: Logger;
}

export interface ServerOptions {
  /** Origins of pages that may send events; without it, any. */
  corsOrigins?: string[];
  tls?: TlsKeyPair;
  ackTimeoutMs?: number;
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  maxRequests?: number;
}

/** What the server needs to know of the streams. Errors: SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
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
 * The routes that the contracts declare, all of them `POST`, in the manner of Segment's HTTP API: 200 `{"success":true}`
 * once Kafka has everything; 400 with the reasons where a message is refused (it becomes a dead letter, the good ones of
 * the body are taken); 4xx for requests that nothing is taken of; 503 with Retry-After where Kafka doesn't answer or too
 * much is under way. A request waits for its acknowledgement. Whatever a client does, memory is bounded: bodies by
 * {@link BodyReader}, records by the group commit, requests and connections by their number and time.
 */
export function createServer(parts: ServerParts, options: ServerOptions = {}): FastifyInstance {
  const limits = {
    requestTimeout: options.requestTimeoutMs ?? requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    http: {
      headersTimeout: options.headersTimeoutMs ?? headersTimeoutMs,
      // How often both are looked at.
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
    // Else the SDK in a browser could not read it.
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
          const message = `${rejected.length} of ${rejected.length + accepted} messages are refused; ${accepted} are accepted.`;
          return reply
            .code(400)
            .send({ success: false, reason: 'refused', message, accepted, errors: rejected });
        });
      }
    }
  });
  return app;
}

/**
 * Nobody waits in line: beyond the number, requests are told to come again. Those that are still coming in don't count, or
 * slow clients would keep the others out.
 */
function limitRequests(app: FastifyInstance, max: number): void {
  let requests = 0;
  app.addHook('preHandler', async (_request, reply) => {
    if (requests >= max) throw busy('overloaded', 'too many requests are under way');
    requests += 1;
    // Unlike onResponse, it also comes where the client has hung up.
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
    if (!allowed) return new HttpError(404, 'not_found', `There is nothing at ${path.slice(0, 200)}.`);
    const allow = [...allowed].join(', ');
    return new HttpError(405, 'method_not_allowed', `${method} is not for ${path}; use ${allow}.`, { allow });
  };
  app.setNotFoundHandler((request, reply) => sendError(reply, notFound(request)));
  app.setErrorHandler((error: Error, request, reply) => {
    // Fastify finds fault with the body before it finds that nothing takes it.
    const known = request.is404 && !(error instanceof HttpError) ? notFound(request) : httpErrorOf(error);
    if (known) return sendError(reply, known);
    log.error({ err: error, route: request.routeOptions.url }, 'a request failed');
    return sendError(reply, new HttpError(500, 'internal', 'internal error'));
  });
}

/** What is no HTTP, or came too slowly: there is no request to reply to. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  // Neither a lost connection nor a failed TLS handshake can be answered.
  if (!socket.writable || !/^(HPE|ERR_HTTP)_/.test(error.code ?? '')) return void socket.destroy();
  const [status, reason, message] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? [408, 'request_timeout', 'The request took too long to come.']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'headers_too_large', 'The headers are too large.']
        : [400, 'bad_request', 'This is no HTTP request.'];
  const body = JSON.stringify({ success: false, reason, message });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status as number]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
