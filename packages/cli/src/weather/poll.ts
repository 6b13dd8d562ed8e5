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
  /** A line for each thing that went wrong, naming the city. */
  note: (line: string) => void;
  /** For tests: how a provider that fails is treated. */
  fetching?: { timeoutMs: number; attempts: number; baseMs: number };
}

export interface Round {
  posted: number;
  /** The provider has nothing newer than what was posted before. */
  unchanged: number;
  failed: number;
}

const usualFetching = { timeoutMs: 10_000, attempts: 4, baseMs: 1_000 };
/** Cities that are asked for at the same time: providers count requests a minute. */
const concurrency = 4;

/** Takes the current weather from a provider and posts what is new. A failure is told and forgotten: nothing is cached. */
export class WeatherPoll {
  readonly #options: PollOptions;
  /** City → time of the newest observation that the producer has had. */
  readonly #posted = new Map<string, string>();

  constructor(options: PollOptions) {
    this.#options = options;
  }

  /** All cities once; a city that fails keeps no other one from its turn. Error: the signal's reason */
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
    const refusals = await this.#options.producer.post('/v1/weather', observation);
    // Refused or not, the producer has had it: a refused one is among the dead letters.
    this.#posted.set(observation.city, observation.observed_at);
    for (const { reason, message } of refusals) {
      this.#options.note(`${observation.city}: the producer refused it: ${reason}: ${message}`);
    }
    return refusals.length === 0 ? 'posted' : 'failed';
  }
}

/** Rounds at this pace, the first one at once, until the signal; what all of them did together. */
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
