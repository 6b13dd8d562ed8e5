import { createGunzip } from 'node:zlib';
import type { AvroRegistry, HttpRoute, StreamContract } from '@windrow/contracts';
import { brokenRule } from '@windrow/contracts';
import type { OutputRecord } from '@windrow/pipeline';
import { type Logger, WindrowError } from '@windrow/runtime';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { type Access, AccessRefused } from './auth/access.ts';
import { addAccess, admit, hideWriteKeys, refuse, withoutWriteKey } from './auth/plugin.ts';
import type { GroupCommit } from './group-commit.ts';
import { Intake, outputsOf, Refusals, type Rejection, type Taken } from './intake.ts';
import type { ProducerMetrics } from './metrics.ts';

/** The limits of Segment's HTTP API. */
const maxMessageBytes = 32 * 1024;
const maxBodyBytes = 500 * 1024;
/** After this long without Kafka's acknowledgement, a client is told to come again. */
const ackTimeoutMs = 10_000;
const retryAfterSeconds = 5;

export interface Fault extends Rejection {
  /** Position of the message in the body, from 0. */
  index: number;
}

export interface ServerParts {
  /** One for each stream that has routes. */
  intakes: Intake[];
  refusals: Refusals;
  commit: GroupCommit;
  access: Access;
  metrics: ProducerMetrics;
  log: Logger;
}

/** What the server needs to know of the streams. Errors: SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
export async function openIntakes(
  contracts: StreamContract[],
  registry: AvroRegistry,
): Promise<{ intakes: Intake[]; refusals: Refusals }> {
  const intakes: Intake[] = [];
  for (const contract of contracts) {
    if (contract.http) intakes.push(await Intake.open(contract, registry));
  }
  return { intakes, refusals: await Refusals.open(registry) };
}

/**
 * The routes that the contracts declare, all of them `POST`, in the manner of Segment's HTTP API: 200 `{"success":true}`
 * once Kafka has everything; 400 with the reasons where a message is refused (it becomes a dead letter, the good ones of
 * the body are taken); 413 and 415 for bodies that are too large or coded otherwise; 503 with Retry-After where Kafka
 * doesn't answer. The server owns no buffers: a request waits for its acknowledgement.
 */
export function createServer(parts: ServerParts, options: { ackTimeoutMs?: number } = {}): FastifyInstance {
  const app = fastify({ bodyLimit: maxBodyBytes, forceCloseConnections: 'idle' });
  // SDKs send JSON under several content types (browsers' beacons as text/plain).
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.addHook('preParsing', async (request, _reply, payload) => {
    const coding = request.headers['content-encoding'];
    if (coding === undefined || coding === 'identity') return payload;
    if (coding !== 'gzip') throw httpError(415, `content-encoding ${coding} is not supported; use gzip`);
    const unzipped = createGunzip();
    payload.on('error', (error) => unzipped.destroy(error));
    return Object.assign(payload.pipe(unzipped), {
      receivedEncodedLength: Number(request.headers['content-length'] ?? 0),
    });
  });

  app.addHook('onResponse', async (request, reply) => {
    parts.metrics.requests.inc({ route: request.routeOptions.url ?? 'none', status: reply.statusCode });
  });

  addAccess(app, parts.access);

  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    if (error instanceof AccessRefused) return refuse(reply, error);
    if (isAway(error)) return away(reply, error);
    const status = error.code?.startsWith('Z_') ? 400 : (error.statusCode ?? 500);
    // Whatever nobody has thought of is not told to clients.
    const message = status < 500 ? error.message : 'internal error';
    if (status >= 500) parts.log.error({ err: error, route: request.routeOptions.url }, 'a request failed');
    return reply.code(status).send({ success: false, message });
  });

  for (const intake of parts.intakes) {
    for (const route of intake.contract.http ?? []) {
      app.post(route.path, { config: { stream: intake.contract.name } }, async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const submission = new Submission(parts, intake, Date.now());
        submission.takeBody(route, body, (value, events) => admit(parts.access, request, value, events));
        const faults = await submission.send(AbortSignal.timeout(options.ackTimeoutMs ?? ackTimeoutMs));
        if (faults.length === 0) return { success: true };
        return reply.code(400).send({ success: false, accepted: submission.accepted, errors: faults });
      });
    }
  }
  return app;
}

/** What one request brings. */
class Submission {
  readonly #parts: ServerParts;
  readonly #intake: Intake;
  readonly #receivedAtMs: number;
  readonly #events: OutputRecord[] = [];
  readonly #deadLetters: OutputRecord[] = [];
  readonly #faults: Fault[] = [];

  constructor(parts: ServerParts, intake: Intake, receivedAtMs: number) {
    this.#parts = parts;
    this.#intake = intake;
    this.#receivedAtMs = receivedAtMs;
  }

  get accepted(): number {
    return this.#events.length;
  }

  /** `admitted` is asked before anything is taken, with what the body is and how many events it has. */
  takeBody(route: HttpRoute, body: Buffer, admitted: (value: unknown, events: number) => void): void {
    const parsed = parseBody(body);
    const taken = parsed.ok ? route.messages(parsed.value) : parsed;
    admitted(parsed.ok ? parsed.value : undefined, taken.ok ? taken.messages.length : 1);
    if (taken.ok) {
      for (const [index, message] of taken.messages.entries())
        this.#take(withoutWriteKey(message), index, route, body.length);
    } else {
      const reason = parsed.ok ? 'not_a_batch' : 'not_json';
      this.#refuse(0, route, { reason, message: taken.message }, hideWriteKeys(body));
    }
  }

  #take(message: unknown, index: number, route: HttpRoute, bodyBytes: number): void {
    const raw = () => Buffer.from(JSON.stringify(message) ?? 'null');
    // Only a body over the limit of a message can hold a message over it.
    const bytes = bodyBytes <= maxMessageBytes ? bodyBytes : raw().length;
    const taken = bytes <= maxMessageBytes ? this.#takeMessage(message) : tooLarge(bytes);
    if (taken.ok) this.#events.push(taken.output);
    else this.#refuse(index, route, taken, raw());
  }

  #takeMessage(message: unknown): Taken {
    const taken = this.#intake.take(message, { kind: 'http', receivedAtMs: this.#receivedAtMs });
    // The client is still there to be told: what the rules refuse need not travel on to be refused.
    const broken = taken.ok ? brokenRule(this.#intake.contract.rules, taken.record) : null;
    return broken ? { ok: false, ...broken } : taken;
  }

  #refuse(index: number, route: HttpRoute, { reason, message }: Rejection, raw: Buffer): void {
    const { refusals } = this.#parts;
    const { name } = this.#intake.contract;
    this.#faults.push({ index, reason, message });
    this.#deadLetters.push(refusals.deadLetter('http', name, { reason, message }, raw, { path: route.path }));
  }

  /** Fulfilled when Kafka has it all, with what was refused. */
  async send(signal: AbortSignal): Promise<Fault[]> {
    const { commit, refusals, metrics } = this.#parts;
    const outputs = outputsOf(
      { topic: this.#intake.topic, records: this.#events },
      { topic: refusals.topic, records: this.#deadLetters },
    );
    if (outputs.length > 0) await commit.send(outputs, signal);
    const stream = this.#intake.contract.name;
    metrics.events.inc({ stream, outcome: 'ok' }, this.#events.length);
    metrics.events.inc({ stream, outcome: 'deadLetter' }, this.#deadLetters.length);
    for (const { reason } of this.#faults) metrics.deadLetters.inc({ stage: 'http', reason });
    return this.#faults;
  }
}

function tooLarge(bytes: number): Taken {
  return { ok: false, reason: 'too_large', message: `${bytes} bytes, over ${maxMessageBytes}` };
}

function parseBody(body: Buffer): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: JSON.parse(body.toString('utf8')) };
  } catch (error) {
    return { ok: false, message: (error as SyntaxError).message };
  }
}

function isTimeout(error: Error): boolean {
  return error.name === 'TimeoutError';
}

function isAway(error: Error): boolean {
  const isOurs = error instanceof WindrowError && (error.retriable || error.code === 'STOPPED');
  return isOurs || isTimeout(error);
}

function away(reply: FastifyReply, error: Error): FastifyReply {
  const reason = isTimeout(error) ? 'Kafka has not acknowledged it in time' : error.message;
  const message = `Not accepted, send it again: ${reason}`;
  return reply.code(503).header('retry-after', retryAfterSeconds).send({ success: false, message });
}

function httpError(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}
