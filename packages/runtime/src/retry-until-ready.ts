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
 * Calls {@link retry}. From the first failure until the call succeeds or is given up, the service is not ready, with the last
 * error as the reason.
 * @throws the errors of `retry`
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
