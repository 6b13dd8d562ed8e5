import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { gunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { busy, HttpError } from './http-error.ts';

/** The limit of Segment's HTTP API, for a body as it is sent and for its decompressed size. */
export const maxBodyBytes = 500 * 1024;

/** The memory limit for all bodies that are still being received. */
const maxReceivingBytes = 128 * 1024 * 1024;
/** The memory overhead of a chunk of a body. */
const chunkOverheadBytes = 256;

/**
 * Up to this many bytes of a rejected body are read and discarded. A client whose connection is closed while it sends may
 * never read the response (RFC 9112, 9.6).
 */
const maxDiscardedBytes = 8 * maxBodyBytes;

/** Receives request bodies: enforces limits, checks the headers, decompresses. */
export class BodyReader {
  readonly #maxReceivingBytes: number;
  #receivingBytes = 0;

  constructor(options: { maxReceivingBytes?: number } = {}) {
    this.#maxReceivingBytes = options.maxReceivingBytes ?? maxReceivingBytes;
  }

  /** The memory of bodies that are not complete yet. */
  get receivingBytes(): number {
    return this.#receivingBytes;
  }

  /** @throws HttpError 400, 413, 415, 503 */
  async read({ headers }: Pick<FastifyRequest, 'headers'>, payload: Readable): Promise<Buffer> {
    const coding = codingOf(headers);
    const body = await this.#receive(payload, headerError(headers, coding));
    return coding === 'gzip' ? unzip(body) : body;
  }

  #receive(payload: Readable, invalidHeaders: HttpError | undefined): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let rejection = invalidHeaders;
      let chunks: Buffer[] = [];
      let bytes = 0;
      let cost = 0;
      const release = () => {
        this.#receivingBytes -= cost;
        cost = 0;
      };
      const finish = (error = rejection) => {
        payload.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
        release();
        if (!error)
          return resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes));
        payload.pause();
        reject(error);
      };
      const onData = (chunk: Buffer) => {
        bytes += chunk.length;
        if (!rejection && bytes > maxBodyBytes) {
          rejection = tooLarge();
          chunks = [];
          release();
        }
        if (rejection) {
          if (bytes > maxDiscardedBytes) finish();
          return;
        }
        chunks.push(chunk);
        cost += chunk.length + chunkOverheadBytes;
        this.#receivingBytes += chunk.length + chunkOverheadBytes;
        if (this.#receivingBytes > this.#maxReceivingBytes)
          finish(busy('overloaded', 'too many bodies are being received'));
      };
      const onEnd = () => finish();
      const onError = (error: Error) =>
        finish(new HttpError(400, 'bad_request', `The body could not be received: ${error.message}`));
      const onClose = () =>
        finish(new HttpError(400, 'bad_request', 'The connection closed before the end of the body.'));
      payload.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    });
  }
}

function tooLarge(): HttpError {
  const message = `The body has more than ${maxBodyBytes} bytes, or decompresses to more.`;
  return new HttpError(413, 'body_too_large', message);
}

function unzip(body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: maxBodyBytes }, (error, unzipped) => {
      if (!error) return resolve(unzipped);
      const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      reject(
        isTooLarge
          ? tooLarge()
          : new HttpError(400, 'not_gzip', `The body is not valid gzip: ${error.message}.`),
      );
    });
  });
}

/** Browsers send JSON as `text/plain`, which needs no preflight, and some clients send no Content-Type. */
const jsonType = /^\s*(?:application\/json|text\/plain|application\/[a-z0-9.-]+\+json)\s*(?:;|$)/i;
const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i;

function codingOf(headers: IncomingHttpHeaders): string {
  return headers['content-encoding']?.trim().toLowerCase() || 'identity';
}

/** The error of a request whose headers are not supported. */
function headerError(headers: IncomingHttpHeaders, coding: string): HttpError | undefined {
  if (Number(headers['content-length']) > maxBodyBytes) return tooLarge();
  const contentType = headers['content-type'];
  if (contentType && !jsonType.test(contentType))
    return unsupported('content_type', `Content-Type ${contentType}`, 'application/json');
  const encoding = charset.exec(contentType ?? '')?.[1];
  if (encoding && !/^(utf-?8|us-ascii)$/i.test(encoding))
    return unsupported('charset', `The charset ${encoding}`, 'UTF-8');
  if (coding !== 'identity' && coding !== 'gzip')
    return unsupported('content_encoding', `Content-Encoding ${coding}`, 'gzip');
  return undefined;
}

function unsupported(what: string, given: string, instead: string): HttpError {
  const message = `${given.slice(0, 80)} is not supported; use ${instead}.`;
  return new HttpError(415, `${what}_unsupported`, message);
}
