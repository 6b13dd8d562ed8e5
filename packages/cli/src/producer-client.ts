import { setTimeout as sleep } from 'node:timers/promises';
import { retry, WindrowError } from '@windrow/runtime';

/** Why the producer rejected a message. The message is a dead letter. */
export interface Rejection {
  reason: string;
  message: string;
}

export interface ProducerClientOptions {
  /** The producer's base URL, for example `http://127.0.0.1:8080`. */
  url: string;
  /** Sent as the user name of Basic authentication, as Segment's SDKs do. */
  writeKey: string | undefined;
  /** Ends the delay between attempts. A running request is completed first. */
  signal: AbortSignal;
  /** Called before each retry. */
  onRetry?: (reason: string) => void;
}

const attempts = 12;
const requestTimeoutMs = 30_000;
/** The upper bound of the delay, also if `Retry-After` asks for more. */
const maxRetryAfterMs = 60_000;

/** A client of the producer's public HTTP API. */
export class ProducerClient {
  readonly #options: ProducerClientOptions;
  readonly #headers: Record<string, string>;

  constructor(options: ProducerClientOptions) {
    this.#options = options;
    const credentials = Buffer.from(`${options.writeKey}:`).toString('base64');
    this.#headers = {
      'content-type': 'application/json',
      ...(options.writeKey !== undefined && { authorization: `Basic ${credentials}` }),
    };
  }

  /**
   * Posts messages. Fulfilled when Kafka has acknowledged them. If the producer can't be reached or responds 429 or 5xx, it
   * retries after the delay that `Retry-After` asks for.
   * @returns the messages that the producer rejected
   * @throws WindrowError HTTP_FAILED with the response; or the signal's reason
   */
  post(path: string, body: unknown): Promise<Rejection[]> {
    const { signal, onRetry } = this.#options;
    const text = JSON.stringify(body);
    return retry(() => this.#postOnce(path, text), {
      attempts,
      signal,
      onRetry: ({ error }) => onRetry?.(error instanceof Error ? error.message : String(error)),
    });
  }

  async #postOnce(path: string, body: string): Promise<Rejection[]> {
    const address = new URL(path, this.#options.url).href;
    const { status, headers, text } = await this.#request(address, body);
    if (status === 200) return [];
    const rejections = status === 400 ? rejectionsOf(text) : [];
    if (rejections.length > 0) return rejections;
    const retriable = status === 429 || status >= 500;
    if (retriable) await this.#waitFor(headers.get('retry-after'));
    throw new WindrowError('HTTP_FAILED', `${address} answered ${status}: ${text.trim().slice(0, 300)}`, {
      retriable,
    });
  }

  async #request(address: string, body: string): Promise<{ status: number; headers: Headers; text: string }> {
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: this.#headers,
        body,
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (cause) {
      throw new WindrowError('HTTP_FAILED', `${address} could not be reached: ${reasonOf(cause)}`, {
        retriable: true,
        cause,
      });
    }
  }

  async #waitFor(retryAfter: string | null): Promise<void> {
    const delayMs = retryAfterMs(retryAfter);
    const { signal } = this.#options;
    await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Parses a `Retry-After` header: seconds or a date (RFC 9110, 10.2.3). @returns 0 if it is absent or invalid */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number {
  if (header === null) return 0;
  const askedMs = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(askedMs) ? 0 : Math.min(maxRetryAfterMs, Math.max(0, askedMs));
}

/** The reason of a failed `fetch`, which undici puts into the cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return cause.message || String((cause as NodeJS.ErrnoException).code ?? cause);
  return error.message;
}

function rejectionsOf(text: string): Rejection[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: Rejection[] };
    return Array.isArray(errors) ? errors.map(({ reason, message }) => ({ reason, message })) : [];
  } catch {
    return [];
  }
}
