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
  async read({ headers }: FastifyRequest, payload: Readable): Promise<Buffer> {
    checkContentType(headers['content-type']);
    const coding = headers['content-encoding']?.trim().toLowerCase() || 'identity';
    if (coding !== 'identity' && coding !== 'gzip')
      throw new HttpError(
        415,
        'content_encoding_unsupported',
        `Content-Encoding ${coding} is not supported; use gzip.`,
      );
    if (Number(headers['content-length']) > maxBodyBytes) throw tooLarge();
    const body = await this.#receive(payload);
    return coding === 'gzip' ? unzip(body) : body;
  }

  #receive(payload: Readable): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      let cost = 0;
      const finish = (error?: Error) => {
        payload.off('data', onData).off('end', onEnd).off('error', onEnd).off('close', onClose);
        this.#receivingBytes -= cost;
        if (!error)
          return resolve(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, bytes));
        payload.pause();
        reject(error);
      };
      const onData = (piece: Buffer) => {
        bytes += piece.length;
        cost += piece.length + pieceBytes;
        this.#receivingBytes += piece.length + pieceBytes;
        pieces.push(piece);
        if (bytes > maxBodyBytes) finish(tooLarge());
        else if (this.#receivingBytes > this.#maxReceivingBytes)
          finish(busy('overloaded', 'too many bodies are being received'));
      };
      const onEnd = (error?: Error) =>
        finish(error && new HttpError(400, 'bad_request', `The body was not received: ${error.message}`));
      const onClose = () =>
        finish(new HttpError(400, 'bad_request', 'The connection ended within the body.'));
      payload.on('data', onData).on('end', onEnd).on('error', onEnd).on('close', onClose);
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

function checkContentType(contentType: string | undefined): void {
  if (!contentType) return;
  if (!jsonType.test(contentType)) {
    const message = `Content-Type ${contentType.slice(0, 80)} is not supported; use application/json.`;
    throw new HttpError(415, 'content_type_unsupported', message);
  }
  const encoding = charset.exec(contentType)?.[1];
  if (encoding && !/^(utf-?8|us-ascii)$/i.test(encoding))
    throw new HttpError(
      415,
      'charset_unsupported',
      `The charset ${encoding.slice(0, 40)} is not supported; use UTF-8.`,
    );
}
