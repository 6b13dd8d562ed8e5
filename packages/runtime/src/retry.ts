import { setTimeout as sleep } from 'node:timers/promises';
import { WindrowError } from './errors.ts';

export interface RetryOptions {
  /** How often it is tried at most, the first time included; without it, until it succeeds or the signal says stop. */
  attempts?: number;
  /** The first delay's upper bound. It doubles with each attempt. */
  baseMs?: number;
  /** No delay is longer than this. */
  capMs?: number;
  /** Stops the waiting at once; the call under way is the callee's to stop. */
  signal?: AbortSignal;
  /** Which errors are worth another try; by default those WindrowErrors that say so themselves. */
  retriable?: (error: unknown) => boolean;
  onRetry?: (retry: { error: unknown; attempt: number; delayMs: number }) => void;
}

/**
 * Calls until it succeeds, with exponential backoff and full jitter: each delay is drawn evenly from 0 to its bound, so that
 * many clients that failed together don't come back together (M. Brooker, "Exponential Backoff And Jitter", 2015).
 * @throws the last error; or the signal's reason
 */
export async function retry<T>(
  call: (attempt: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = Number.POSITIVE_INFINITY, baseMs = 100, capMs = 10_000, signal } = options;
  const retriable = options.retriable ?? isRetriable;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await call(attempt);
    } catch (error) {
      if (attempt >= attempts || !retriable(error)) throw error;
      signal?.throwIfAborted();
      const delayMs = Math.round(Math.random() * Math.min(capMs, baseMs * 2 ** (attempt - 1)));
      options.onRetry?.({ error, attempt, delayMs });
      await waitFor(delayMs, signal);
    }
  }
}

/** Whether an error says itself that the same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  return error instanceof WindrowError && error.retriable;
}

/**
 * The call's result, unless the signal comes first: then the call is abandoned, and whatever it still does goes unheard. For
 * calls that change nothing and can't be stopped, such as the making of a connection.
 * @throws the call's error; or the signal's reason
 */
export async function unlessAborted<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  call.catch(() => undefined);
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([call, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function waitFor(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
