import type { RiderEvent } from './event.ts';
import { type Breakage, drawFault } from './faults.ts';
import { endOf, type SimulationOptions } from './options.ts';
import { randoms } from './random.ts';
import { trafficOf } from './traffic.ts';
import { CityWeather, type Observation, observationEveryMs } from './weather.ts';

/** A message, and the simulated time at which it is sent. */
export type Delivery =
  | { stream: 'weather'; atMs: number; observation: Observation }
  | { stream: 'track'; atMs: number; event: RiderEvent; repeated: boolean; breakage: Breakage | null };

export type TrackDelivery = Extract<Delivery, { stream: 'track' }>;

export interface Timeline {
  /** In the order in which they are sent. The weather of a time comes before the events of that time. */
  deliveries: Iterable<Delivery>;
  /** So far. */
  readonly sessions: number;
  readonly riders: number;
}

/**
 * All messages in the order in which they are sent. Late and repeated messages are sent at full seconds; those that are due
 * after the end come last. They are kept in memory until then, which is five minutes at most.
 */
export function timelineOf(options: SimulationOptions): Timeline {
  const random = randoms(options.seed, ['traffic', 'faults', 'weather']);
  const traffic = trafficOf(options, random.traffic);
  const { startMs } = options;
  const skies = options.cities.map((city) => new CityWeather(city, random.weather));
  const held = new Map<number, TrackDelivery[]>();
  let second = 0;
  let weatherAtMs = startMs;

  const hold = (delivery: TrackDelivery): void => {
    const dueSecond = Math.ceil((delivery.atMs - startMs) / 1_000);
    const due = held.get(dueSecond);
    if (due) due.push(delivery);
    else held.set(dueSecond, [delivery]);
  };

  /** The weather up to a time, and the late and repeated messages that are due by then. */
  function* until(atMs: number): Generator<Delivery> {
    for (; startMs + second * 1_000 <= atMs; second++) {
      const secondMs = startMs + second * 1_000;
      for (; weatherAtMs <= secondMs && weatherAtMs < endOf(options); weatherAtMs += observationEveryMs) {
        for (const sky of skies) {
          yield { stream: 'weather', atMs: weatherAtMs, observation: sky.observe(weatherAtMs) };
        }
      }
      const due = held.get(second);
      if (due === undefined) continue;
      held.delete(second);
      yield* due;
    }
  }

  function* deliveries(): Generator<Delivery> {
    for (const event of traffic.events) {
      yield* until(event.occurredMs);
      const delivery: TrackDelivery = {
        stream: 'track',
        atMs: event.occurredMs,
        event,
        repeated: false,
        breakage: null,
      };
      const fault = drawFault(random.faults, options.faultShare);
      if (fault === null) yield delivery;
      else if (fault.kind === 'broken') yield { ...delivery, breakage: fault.breakage };
      else if (fault.kind === 'duplicate') {
        yield delivery;
        hold({ ...delivery, atMs: atSecond(event.occurredMs + fault.delayMs), repeated: true });
      } else {
        const sentMs = atSecond(event.occurredMs + fault.delayMs);
        hold({ ...delivery, atMs: sentMs, event: { ...event, sentMs } });
      }
    }
    while (held.size > 0) yield* until(startMs + second * 1_000);
  }

  /** The next full second of the simulation. */
  const atSecond = (ms: number): number => startMs + Math.ceil((ms - startMs) / 1_000) * 1_000;

  return {
    deliveries: deliveries(),
    get sessions() {
      return traffic.sessions;
    },
    get riders() {
      return traffic.riders;
    },
  };
}
