import type { Readable } from 'node:stream';
import { type S3ObjectEntry, S3ObjectStore } from '@windrow/lake';
import { isRetriable, loadConfig, s3Config, WindrowError } from '@windrow/runtime';
import type { LoadFile } from './load-file.ts';

/** A connection that brings nothing for so long is given up. */
const stallMs = 30_000;
/** One after another without a byte between them. */
const maxCuts = 5;

export interface S3Address {
  bucket: string;
  /** A key, or what keys begin with; empty: the whole bucket. */
  key: string;
}

/** `s3://bucket/key`; undefined for what is no such address. Error: USAGE */
export function s3Address(text: string): S3Address | undefined {
  if (!text.startsWith('s3://')) return undefined;
  const [, bucket, key = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text) ?? [];
  if (bucket !== undefined) return { bucket, key };
  throw new WindrowError('USAGE', `${text} is no address of S3; it is one as s3://bucket/prefix`);
}

/** Any bucket of the store where the lake is. The caller closes it. Error: CONFIG_INVALID */
export function openBucket(bucket: string, env: NodeJS.ProcessEnv): S3ObjectStore {
  const config = loadConfig(s3Config.omit({ LAKE_BUCKET: true }), env);
  return new S3ObjectStore({
    bucket,
    region: config.AWS_REGION,
    endpoint: config.S3_ENDPOINT,
    credentials: { accessKeyId: config.AWS_ACCESS_KEY_ID, secretAccessKey: config.AWS_SECRET_ACCESS_KEY },
  });
}

export function s3File(store: S3ObjectStore, object: S3ObjectEntry): LoadFile {
  return {
    name: store.url(object.key),
    sizeBytes: object.sizeBytes,
    bytes: (signal) => bytesOf(store, object, signal),
  };
}

/** The same, remembered once it is loaded. */
export function foundS3File(store: S3ObjectStore, object: S3ObjectEntry): LoadFile {
  return { ...s3File(store, object), remembered: { url: store.url(object.key), version: object.etag } };
}

/**
 * As they come from S3: no more than what is on its way is held. Where the connection breaks, it goes on from there: a load may
 * take longer than a connection lives.
 */
async function* bytesOf(
  store: S3ObjectStore,
  object: S3ObjectEntry,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let at = 0;
  let cuts = 0;
  while (at < object.sizeBytes) {
    const body = await read(store, object, at, signal);
    try {
      for await (const chunk of unlessStalled(body)) {
        at += chunk.length;
        cuts = 0;
        yield chunk;
      }
      if (at < object.sizeBytes) throw new Error('the answer ended too early');
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      // All of it came and is not what S3 has: its checksum doesn't fit.
      if (at >= object.sizeBytes) throw error;
      cuts += 1;
      if (cuts < maxCuts) continue;
      const message = `GET ${store.url(object.key)} from byte ${at}: ${reason}`;
      throw new WindrowError('S3_FAILED', message, { retriable: true, cause: error });
    }
  }
}

async function read(
  store: S3ObjectStore,
  object: S3ObjectEntry,
  fromByte: number,
  signal: AbortSignal,
): Promise<Readable> {
  try {
    return await store.read(object, { fromByte, signal });
  } catch (error) {
    if (isRetriable(error) || !/PreconditionFailed|NoSuchKey/.test(String(error))) throw error;
    const message = `${store.url(object.key)} was changed or deleted after it had been listed; load it again.`;
    throw new WindrowError('FILE_UNREADABLE', message, { cause: error });
  }
}

/** The time in which whoever reads does something else doesn't count. */
async function* unlessStalled(body: Readable): AsyncGenerator<Buffer> {
  const stalled = () => body.destroy(new Error(`nothing came for ${stallMs / 1_000} s`));
  let timer = setTimeout(stalled, stallMs);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      yield chunk;
      timer = setTimeout(stalled, stallMs);
    }
  } finally {
    clearTimeout(timer);
  }
}
