import { setTimeout as sleep } from 'node:timers/promises';
import { retry, WindrowError } from '@windrow/runtime';

/** Why the producer refused one message; it has become a dead letter. */
export interface Refusal {
  reason: string;
  message: string;
}

export interface ProducerClientOptions {
  /** The producer's base URL, as `http://127.0.0.1:8080`. */
  url: string;
  /** Sent as the Basic user, as Segment's SDKs do. */
  writeKey: string | undefined;
  /** Ends the waiting between tries; a request under way is answered first. */
  signal: AbortSignal;
  /** Told before each new try. */
  onRetry?: (reason: string) => void;
}

const attempts = 12;
const requestTimeoutMs = 30_000;
/** A server that asks for more patience than this is tried earlier. */
const maxRetryAfterMs = 60_000;

/** A client of the producer's HTTP API, as any outsider would write one. */
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
   * Fulfilled when Kafka has the body's messages, with those that were refused. Tried again, no sooner than `Retry-After` says,
   * where the producer can't be reached or answers 429 or 5xx.
   * Errors: HTTP_FAILED with the answer; the signal's reason
   */
  post(path: string, body: unknown): Promise<Refusal[]> {
    const { signal, onRetry } = this.#options;
    const text = JSON.stringify(body);
    return retry(() => this.#postOnce(path, text), {
      attempts,
      signal,
      onRetry: ({ error }) => onRetry?.(error instanceof Error ? error.message : String(error)),
    });
  }

  async #postOnce(path: string, body: string): Promise<Refusal[]> {
    const address = new URL(path, this.#options.url).href;
    const { status, headers, text } = await this.#request(address, body);
    if (status === 200) return [];
    const refusals = status === 400 ? refusalsOf(text) : [];
    if (refusals.length > 0) return refusals;
    const retriable = status === 429 || status >= 500;
    if (retriable) await this.#patience(headers.get('retry-after'));
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

  async #patience(retryAfter: string | null): Promise<void> {
    const delayMs = retryAfterMs(retryAfter);
    const { signal } = this.#options;
    await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** What a `Retry-After` header asks for, seconds or a date (RFC 9110, 10.2.3); 0 where it says nothing. */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number {
  if (header === null) return 0;
  const askedMs = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(askedMs) ? 0 : Math.min(maxRetryAfterMs, Math.max(0, askedMs));
}

/** The reason of a `fetch` that failed: undici hides it in the cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return cause.message || String((cause as NodeJS.ErrnoException).code ?? cause);
  return error.message;
}

function refusalsOf(text: string): Refusal[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: Refusal[] };
    return Array.isArray(errors) ? errors.map(({ reason, message }) => ({ reason, message })) : [];
  } catch {
    return [];
  }
}
