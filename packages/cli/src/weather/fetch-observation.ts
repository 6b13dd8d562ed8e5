import { setTimeout as sleep } from 'node:timers/promises';
import { retry, WindrowError, z } from '@windrow/runtime';
import { reasonOf, retryAfterMs } from '../producer-client.ts';
import type { Observation, Place, WeatherAdapter } from './adapter.ts';

export interface FetchOptions {
  signal: AbortSignal;
  /** The time limit for a complete response. */
  timeoutMs: number;
  attempts: number;
  /** The longest delay before the first retry. It doubles with each retry. */
  baseMs: number;
}

/** How much of an error response is shown. */
const shownLength = 200;

/**
 * The current weather of a place. Retried, not before `Retry-After`, if the provider cannot be reached or responds with 429, 5xx
 * or something that is not JSON.
 * @throws WindrowError HTTP_FAILED, with the key masked; the signal's reason
 */
export function fetchObservation(
  adapter: WeatherAdapter,
  place: Place,
  { signal, timeoutMs, attempts, baseMs }: FetchOptions,
): Promise<Observation> {
  return retry(() => fetchOnce(adapter, place, timeoutMs, signal), { attempts, baseMs, signal });
}

async function fetchOnce(
  adapter: WeatherAdapter,
  place: Place,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Observation> {
  const address = adapter.address(place);
  const failure = (what: string, retriable: boolean, cause?: unknown) => {
    const shown = adapter.secret ? what.replaceAll(adapter.secret, '***') : what;
    return new WindrowError('HTTP_FAILED', `${address.host} ${shown}`, { retriable, cause });
  };
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    const reason = isTimeout
      ? `did not respond within ${timeoutMs} ms`
      : `cannot be reached: ${reasonOf(error)}`;
    throw failure(reason, true);
  }
  if (!response.ok) {
    const retriable = response.status === 429 || response.status >= 500;
    const delayMs = retriable ? retryAfterMs(response.headers.get('retry-after')) : 0;
    await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    throw failure(`responded with ${response.status}: ${text.trim().slice(0, shownLength)}`, retriable);
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw failure(`sent a response that is not JSON: ${text.trim().slice(0, shownLength)}`, true);
  }
  try {
    return adapter.observation(body, place);
  } catch (error) {
    throw failure(`sent a response that does not fit: ${missing(error)}`, false, error);
  }
}

function missing(error: unknown): string {
  if (!(error instanceof z.ZodError)) return String(error);
  return error.issues
    .map(({ path, message }) => `${path.join('.') || 'the response'}: ${message}`)
    .join('; ');
}
