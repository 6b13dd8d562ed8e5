import type { Logger } from './logger.ts';
import type { Readiness } from './readiness.ts';
import { type RetryOptions, retry } from './retry.ts';

export interface RetryUntilReadyOptions extends Pick<RetryOptions, 'signal' | 'retriable' | 'onRetry'> {
  /** The readiness condition that is unmet while the call fails. */
  condition: string;
  readiness: Pick<Readiness, 'met' | 'unmet'>;
  log: Pick<Logger, 'warn'>;
}

/**
 * {@link retry} that shows the service as not ready, with the last error as the reason, from the first failure until the
 * call succeeds or is given up. Errors: those of `retry`
 */
export async function retryUntilReady<T>(
  call: () => Promise<T>,
  { condition, readiness, log, signal, retriable, onRetry }: RetryUntilReadyOptions,
): Promise<T> {
  try {
    return await retry(call, {
      ...(signal && { signal }),
      ...(retriable && { retriable }),
      capMs: 5_000,
      onRetry: (failed) => {
        const { error, attempt, delayMs } = failed;
        readiness.unmet(condition, error instanceof Error ? error.message : String(error));
        log.warn({ condition, err: error, attempt, delayMs }, 'retrying');
        onRetry?.(failed);
      },
    });
  } finally {
    readiness.met(condition);
  }
}
