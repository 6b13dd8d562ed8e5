import { WindrowError } from '@windrow/runtime';
import type { FastifyReply } from 'fastify';

/** The error of a request that is rejected as a whole. The response is `{success: false, reason, message}`. */
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

/** 503: no event of the request is accepted; the same request may succeed later. */
export function busy(reason: string, message: string): HttpError {
  return new HttpError(503, reason, `Not accepted, send it again: ${message}`, {
    'retry-after': retryAfterSeconds,
  });
}

/** The response to a request that failed with this error; undefined for an unexpected error. */
export function httpErrorOf(error: Error & { statusCode?: number; code?: string }): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error.name === 'TimeoutError')
    return busy('kafka_unavailable', 'Kafka has not acknowledged the events in time');
  if (error instanceof WindrowError && (error.retriable || error.code === 'STOPPED'))
    return busy(error.code.toLowerCase(), error.message);
  // An error of Fastify, for example for a path that is not a valid URI.
  const { statusCode = 500 } = error;
  const reason = statusCode === 415 ? 'content_type_unsupported' : 'bad_request';
  return statusCode < 500 ? new HttpError(statusCode, reason, error.message) : undefined;
}

export function sendError(reply: FastifyReply, { statusCode, reason, message, headers }: HttpError) {
  return reply.code(statusCode).headers(headers).send({ success: false, reason, message });
}
