import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { gunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { busy, HttpError } from './http-error.ts';

/** The limit of Segment's HTTP API, for what is sent and for what it unpacks to. */
export const maxBodyBytes = 500 * 1024;

/** What the bodies that are still being received may hold together. */
const maxReceivingBytes = 128 * 1024 * 1024;
/** A piece of a body costs this, however few bytes it has. */
const pieceBytes = 256;

/**
 * A body that is refused is read on so far and thrown away: who is cut off while sending may not come to read the answer
 * (RFC 9112, 9.6).
 */
const maxDiscardedBytes = 8 * maxBodyBytes;

/** Receives bodies: within the limits, JSON by their headers, unpacked. */
export class BodyReader {
  readonly #maxReceivingBytes: number;
  #receivingBytes = 0;

  constructor(options: { maxReceivingBytes?: number } = {}) {
    this.#maxReceivingBytes = options.maxReceivingBytes ?? maxReceivingBytes;
  }

  /** What bodies that are not whole yet hold. */
  get receivingBytes(): number {
    return this.#receivingBytes;
  }

  /** Errors: HttpError 400, 413, 415, 503 */
  async read({ headers }: Pick<FastifyRequest, 'headers'>, payload: Readable): Promise<Buffer> {
    const coding = codingOf(headers);
    const body = await this.#receive(payload, refusalOf(headers, coding));
    return coding === 'gzip' ? unzip(body) : body;
  }

  #receive(payload: Readable, refused: HttpError | undefined): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let refusal = refused;
      let pieces: Buffer[] = [];
      let bytes = 0;
      let cost = 0;
      const release = () => {
        this.#receivingBytes -= cost;
        cost = 0;
      };
      const finish = (error = refusal) => {
        payload.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
        release();
        if (!error)
          return resolve(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, bytes));
        payload.pause();
        reject(error);
      };
      const onData = (piece: Buffer) => {
        bytes += piece.length;
        if (!refusal && bytes > maxBodyBytes) {
          refusal = tooLarge();
          pieces = [];
          release();
        }
        if (refusal) {
          if (bytes > maxDiscardedBytes) finish();
          return;
        }
        pieces.push(piece);
        cost += piece.length + pieceBytes;
        this.#receivingBytes += piece.length + pieceBytes;
        if (this.#receivingBytes > this.#maxReceivingBytes)
          finish(busy('overloaded', 'too many bodies are being received'));
      };
      const onEnd = () => finish();
      const onError = (error: Error) =>
        finish(new HttpError(400, 'bad_request', `The body was not received: ${error.message}`));
      const onClose = () =>
        finish(new HttpError(400, 'bad_request', 'The connection ended within the body.'));
      payload.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    });
  }
}

function tooLarge(): HttpError {
  const message = `The body is over ${maxBodyBytes} bytes, or unpacks to more.`;
  return new HttpError(413, 'body_too_large', message);
}

function unzip(body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: maxBodyBytes }, (error, unzipped) => {
      if (!error) return resolve(unzipped);
      const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      reject(
        isTooLarge ? tooLarge() : new HttpError(400, 'not_gzip', `The body is no gzip: ${error.message}.`),
      );
    });
  });
}

/** Browsers send JSON as `text/plain`, which needs no preflight, and some clients say nothing. */
const jsonType = /^\s*(?:application\/json|text\/plain|application\/[a-z0-9.-]+\+json)\s*(?:;|$)/i;
const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i;

function codingOf(headers: IncomingHttpHeaders): string {
  return headers['content-encoding']?.trim().toLowerCase() || 'identity';
}

/** What can be told from the headers alone. */
function refusalOf(headers: IncomingHttpHeaders, coding: string): HttpError | undefined {
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
