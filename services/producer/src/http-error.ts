import { WindrowError } from '@windrow/runtime';
import type { FastifyReply } from 'fastify';

/** A request that is refused as a whole; told as `{success: false, reason, message}`. */
export class HttpError extends Error {
  readonly statusCode: number;
  /** Short stable code. */
  readonly reason: string;
  readonly headers: Record<string, string | number>;

  constructor(
    statusCode: number,
    reason: string,
    message: string,
    headers: Record<string, string | number> = {},
  ) {
    super(message);
    this.name = 'HttpError';
    this.statusCode = statusCode;
    this.reason = reason;
    this.headers = headers;
  }
}

const retryAfterSeconds = 5;

/** 503: nothing of the request is taken, the same request may pass later. */
export function busy(reason: string, message: string): HttpError {
  return new HttpError(503, reason, `Not accepted, send it again: ${message}`, {
    'retry-after': retryAfterSeconds,
  });
}

/** What clients are told of an error that a request ended with; undefined for what nobody has thought of. */
export function httpErrorOf(error: Error & { statusCode?: number; code?: string }): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error.name === 'TimeoutError')
    return busy('kafka_unavailable', 'Kafka has not acknowledged it in time');
  if (error instanceof WindrowError && (error.retriable || error.code === 'STOPPED'))
    return busy(error.code.toLowerCase(), error.message);
  // Fastify's own, as for a path that is no URI.
  const { statusCode = 500 } = error;
  const reason = statusCode === 415 ? 'content_type_unsupported' : 'bad_request';
  return statusCode < 500 ? new HttpError(statusCode, reason, error.message) : undefined;
}

export function sendError(reply: FastifyReply, { statusCode, reason, message, headers }: HttpError) {
  return reply.code(statusCode).headers(headers).send({ success: false, reason, message });
}
