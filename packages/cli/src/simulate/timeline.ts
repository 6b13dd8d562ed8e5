import type { RiderEvent } from './event.ts';
import { type Breakage, drawFault } from './faults.ts';
import { endOf, type SimulationOptions } from './options.ts';
import { randoms } from './random.ts';
import { trafficOf } from './traffic.ts';
import { CityWeather, type Observation, observationEveryMs } from './weather.ts';

/** A message that goes out at a time of the simulation. */
export type Delivery =
  | { stream: 'weather'; atMs: number; observation: Observation }
  | { stream: 'track'; atMs: number; event: RiderEvent; repeated: boolean; breakage: Breakage | null };

export type TrackDelivery = Extract<Delivery, { stream: 'track' }>;

export interface Timeline {
  /** In the order in which they go out; the weather of a time before the events of that time. */
  deliveries: Iterable<Delivery>;
  /** So far. */
  readonly sessions: number;
  readonly riders: number;
}

/**
 * Everything that is sent, in its order. What is held back goes out at full seconds; what is held back beyond the end keeps
 * its time and comes last. It is held in memory: at most the late ones of five minutes.
 */
export function timelineOf(options: SimulationOptions): Timeline {
  const [trafficRandom, faultRandom, weatherRandom] = randoms(options.seed, 3);
  const traffic = trafficOf(options, trafficRandom!);
  const { startMs } = options;
  const skies = options.cities.map((city) => new CityWeather(city, weatherRandom!));
  const held = new Map<number, TrackDelivery[]>();
  let second = 0;
  let weatherAtMs = startMs;

  const hold = (delivery: TrackDelivery): void => {
    const dueSecond = Math.ceil((delivery.atMs - startMs) / 1_000);
    const due = held.get(dueSecond);
    if (due) due.push(delivery);
    else held.set(dueSecond, [delivery]);
  };

  /** The weather until a time, and what was held back until then. */
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
      const fault = drawFault(faultRandom!, options.faultShare);
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
