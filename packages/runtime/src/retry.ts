import { setTimeout as sleep } from 'node:timers/promises';
import { WindrowError } from './errors.ts';

export interface RetryOptions {
  /** The maximum number of attempts, including the first. Default: no maximum. */
  attempts?: number;
  /** The upper bound of the first delay. It doubles with each attempt. */
  baseMs?: number;
  /** The upper bound of all delays. */
  capMs?: number;
  /** Ends the delay and the attempts. It does not stop a running call, which has to observe the signal itself. */
  signal?: AbortSignal;
  /** Whether to try again after an error. Default: {@link isRetriable}. */
  retriable?: (error: unknown) => boolean;
  onRetry?: (retry: { error: unknown; attempt: number; delayMs: number }) => void;
}

/**
 * Repeats the call until it succeeds, with exponential backoff and full jitter. Each delay is drawn uniformly from 0 to its
 * bound, so that clients that failed together don't retry together (M. Brooker, "Exponential Backoff And Jitter", 2015).
 * @throws the last error, or the signal's reason
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

/** Whether the error is a WindrowError that is marked as retriable. */
export function isRetriable(error: unknown): boolean {
  return error instanceof WindrowError && error.retriable;
}

/**
 * Awaits the call until the signal is aborted. Afterwards the call may still run, but its result is ignored. For calls that
 * change nothing and can't be cancelled, such as opening a connection.
 * @throws the call's error, or the signal's reason
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
