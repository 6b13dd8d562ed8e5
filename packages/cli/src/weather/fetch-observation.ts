import { setTimeout as sleep } from 'node:timers/promises';
import { retry, WindrowError, z } from '@windrow/runtime';
import { reasonOf, retryAfterMs } from '../producer-client.ts';
import type { Observation, Place, WeatherAdapter } from './adapter.ts';

export interface FetchOptions {
  signal: AbortSignal;
  /** After this long without the whole answer, it counts as failed. */
  timeoutMs: number;
  attempts: number;
  /** The first retry's upper bound of waiting; it doubles. */
  baseMs: number;
}

/** Of an answer that is an error, so much is told. */
const shownLength = 200;

/**
 * The current weather of a place. Tried again, no sooner than `Retry-After` says, where the provider can't be reached, answers
 * 429 or 5xx, or with something that is no JSON. Errors: HTTP_FAILED, never with a key in it; the signal's reason
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
      ? `did not answer in ${timeoutMs} ms`
      : `could not be reached: ${reasonOf(error)}`;
    throw failure(reason, true);
  }
  if (!response.ok) {
    const retriable = response.status === 429 || response.status >= 500;
    const patienceMs = retriable ? retryAfterMs(response.headers.get('retry-after')) : 0;
    await sleep(patienceMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    throw failure(`answered ${response.status}: ${text.trim().slice(0, shownLength)}`, retriable);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw failure(`answered with something that is no JSON: ${text.trim().slice(0, shownLength)}`, true);
  }
  try {
    return adapter.observation(answer, place);
  } catch (error) {
    throw failure(`answered without what is needed: ${missing(error)}`, false, error);
  }
}

function missing(error: unknown): string {
  if (!(error instanceof z.ZodError)) return String(error);
  return error.issues.map(({ path, message }) => `${path.join('.') || 'the answer'}: ${message}`).join('; ');
}
