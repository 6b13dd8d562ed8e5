import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { isRetriable, retry, WindrowError } from '@windrow/runtime';
import type { ObjectEntry, ObjectStore } from './object-store.ts';

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Of an S3 that is not AWS's; requests to it have the bucket in the path. */
  readonly endpoint?: string | undefined;
  /** By default the SDK's credential chain is used: environment, web identity, instance role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** Timeout of one attempt of one request. */
  readonly requestTimeoutMs?: number | undefined;
  /** Attempts per request, the first included, with exponential backoff and jitter between them. */
  readonly maxAttempts?: number | undefined;
}

/** `etag` changes with the object's content. It includes the quotes, as in S3's responses. */
export interface S3ObjectEntry extends ObjectEntry {
  readonly etag: string;
}

/** Larger objects are uploaded in parts, several at once: when a connection breaks, only its part is sent again. */
const partBytes = 8 * 2 ** 20;
const partsAtOnce = 4;

/** An S3 bucket. Owns its connections: `close` when done. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(options: S3Options) {
    this.#bucket = options.bucket;
    this.#client = new S3Client({
      region: options.region,
      ...(options.endpoint ? { endpoint: options.endpoint, forcePathStyle: true } : {}),
      ...(options.credentials ? { credentials: options.credentials } : {}),
      retryMode: 'standard',
      maxAttempts: options.maxAttempts ?? 4,
      requestHandler: {
        connectionTimeout: 3_000,
        requestTimeout: options.requestTimeoutMs ?? 20_000,
        throwOnRequestTimeout: true,
      },
    });
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#ask('GET', key, (target) =>
      orAbsent(async () => {
        const answer = await this.#client.send(new GetObjectCommand(target));
        return answer.Body?.transformToByteArray();
      }),
    );
  }

  /**
   * Streams the object's bytes from `fromByte` on, if the object still has this ETag. The stream emits the errors that occur
   * after its beginning unchanged.
   * @throws WindrowError S3_FAILED; not retriable when the object no longer exists (404) or was overwritten (412)
   */
  async read(
    { key, etag }: Pick<S3ObjectEntry, 'key' | 'etag'>,
    { fromByte, signal }: { fromByte: number; signal?: AbortSignal | undefined },
  ): Promise<Readable> {
    return this.#ask('GET', key, async (target) => {
      const range = fromByte > 0 ? { Range: `bytes=${fromByte}-` } : {};
      const command = new GetObjectCommand({ ...target, ...range, IfMatch: etag });
      const { Body } = await this.#client.send(command, signal ? { abortSignal: signal } : {});
      return Body as Readable;
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#ask('PUT', key, async (target) => {
      const params = { ...target, Body: bytes };
      if (bytes.length <= partBytes) await this.#client.send(new PutObjectCommand(params));
      else
        await new Upload({
          client: this.#client,
          params,
          partSize: partBytes,
          queueSize: partsAtOnce,
        }).done();
    });
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    // S3 answers 409 while another conditional write of the same key is in progress.
    return retry(
      () =>
        this.#ask('conditional PUT', key, async (target) => {
          try {
            await this.#client.send(new PutObjectCommand({ ...target, Body: bytes, IfNoneMatch: '*' }));
            return true;
          } catch (error) {
            if (statusOf(error) === 412) return false;
            throw error;
          }
        }),
      { attempts: 6, baseMs: 50, capMs: 1_000, retriable: (error) => statusOf(causeOf(error)) === 409 },
    );
  }

  async head(key: string): Promise<S3ObjectEntry | undefined> {
    return this.#ask('HEAD', key, (target) =>
      orAbsent(async () => {
        const answer = await this.#client.send(new HeadObjectCommand(target));
        const { ContentLength: sizeBytes = 0, LastModified, ETag: etag = '' } = answer;
        return { key, sizeBytes, modifiedMs: LastModified?.getTime() ?? 0, etag };
      }),
    );
  }

  async *list({ prefix, startAfter }: { prefix: string; startAfter?: string }): AsyncIterable<S3ObjectEntry> {
    let token: string | undefined;
    do {
      const page = await this.#ask('LIST', prefix, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: prefix,
            ...(startAfter === undefined ? {} : { StartAfter: startAfter }),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key, Size, LastModified, ETag = '' } of page.Contents ?? []) {
        if (Key !== undefined) {
          yield { key: Key, sizeBytes: Size ?? 0, modifiedMs: LastModified?.getTime() ?? 0, etag: ETag };
        }
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(key: string): Promise<void> {
    await this.#ask('DELETE', key, async (target) => {
      await this.#client.send(new DeleteObjectCommand(target));
    });
  }

  url(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }

  close(): void {
    this.#client.destroy();
  }

  async #ask<T>(
    operation: string,
    key: string,
    call: (target: { Bucket: string; Key: string }) => Promise<T>,
  ): Promise<T> {
    try {
      return await call({ Bucket: this.#bucket, Key: key });
    } catch (error) {
      const status = statusOf(error);
      const name = error instanceof Error ? error.name : '';
      const wayOut = name === 'NoSuchBucket' ? ' Create it, or set LAKE_BUCKET.' : '';
      const reason = error instanceof Error ? `${name}: ${error.message}${wayOut}` : String(error);
      throw new WindrowError('S3_FAILED', `${operation} ${this.url(key)}: ${reason}`, {
        // An error without a status means that no response arrived. A response whose body was cut off is not an
        // S3ServiceException. 408, 409 and 429 ask for a retry.
        retriable:
          !(error instanceof S3ServiceException) ||
          status === undefined ||
          status >= 500 ||
          [408, 409, 429].includes(status),
        cause: error,
      });
    }
  }
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata as { httpStatusCode?: number };
  return metadata.httpStatusCode;
}

function causeOf(error: unknown): unknown {
  return isRetriable(error) ? (error as Error).cause : undefined;
}

async function orAbsent<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound')) return undefined;
    throw error;
  }
}
