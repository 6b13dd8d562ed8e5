import { setTimeout as sleep } from 'node:timers/promises';
import { WindrowError } from '@windrow/runtime';
import type { ProducerClient } from '../producer-client.ts';
import type { Observation, Place, WeatherAdapter } from './adapter.ts';
import { fetchObservation } from './fetch-observation.ts';

export interface PollOptions {
  adapter: WeatherAdapter;
  places: readonly Place[];
  producer: Pick<ProducerClient, 'post'>;
  signal: AbortSignal;
  /** Receives a line for each failure, with the city's name. */
  note: (line: string) => void;
  /** For tests: limits and retries for a provider that fails. */
  fetching?: { timeoutMs: number; attempts: number; baseMs: number };
}

export interface Round {
  posted: number;
  /** The provider has no newer observation than the one posted before. */
  unchanged: number;
  failed: number;
}

const usualFetching = { timeoutMs: 10_000, attempts: 4, baseMs: 1_000 };
/** Parallel requests. Providers limit the requests per minute. */
const concurrency = 4;

/** Fetches the current weather from a provider and posts new observations. A failure is reported, and the next round tries again. */
export class WeatherPoll {
  readonly #options: PollOptions;
  /** City → time of the newest observation that was posted. */
  readonly #posted = new Map<string, string>();

  constructor(options: PollOptions) {
    this.#options = options;
  }

  /**
   * Fetches and posts each city once. A city that fails does not stop the others.
   * @throws the signal's reason
   */
  async round(): Promise<Round> {
    const round: Round = { posted: 0, unchanged: 0, failed: 0 };
    const waiting = this.#options.places.values();
    const worker = async () => {
      for (const place of waiting) round[await this.#poll(place)] += 1;
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    return round;
  }

  async #poll(place: Place): Promise<keyof Round> {
    const { adapter, signal, note, fetching = usualFetching } = this.#options;
    try {
      const observation = await fetchObservation(adapter, place, { ...fetching, signal });
      const before = this.#posted.get(place.city);
      if (before !== undefined && observation.observed_at <= before) return 'unchanged';
      return await this.#post(observation);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof WindrowError)) throw error;
      note(`${place.city}: ${error.message}`);
      return 'failed';
    }
  }

  async #post(observation: Observation): Promise<'posted' | 'failed'> {
    const rejections = await this.#options.producer.post('/v1/weather', observation);
    // The producer has recorded it even if it rejected it: then it is a dead letter.
    this.#posted.set(observation.city, observation.observed_at);
    for (const { reason, message } of rejections) {
      this.#options.note(`${observation.city}: the producer rejected it: ${reason}: ${message}`);
    }
    return rejections.length === 0 ? 'posted' : 'failed';
  }
}

/** Runs a round at once, and then one every `everyMs`, until the signal. */
export async function pollWeather(
  poll: WeatherPoll,
  { everyMs, signal, onRound }: { everyMs: number; signal: AbortSignal; onRound: (round: Round) => void },
): Promise<void> {
  while (!signal.aborted) {
    const nextMs = performance.now() + everyMs;
    try {
      onRound(await poll.round());
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    const leftMs = Math.max(0, nextMs - performance.now());
    await sleep(leftMs, undefined, { signal }).catch(() => undefined);
  }
}
