import type { RiderEvent } from './event.ts';
import { idsOf } from './ids.ts';
import { eventsOf, type SimulationOptions } from './options.ts';
import type { Random } from './random.ts';
import { Riders } from './rider.ts';
import { drawLength, Session } from './session.ts';

/** The time between two events of a rider who is out, where there are riders enough. */
const meanGapSeconds = 10;
/** So that each place has time for more than one session in a short simulation. */
const minEventsPerPlace = 30;

export interface Traffic {
  /** In the order of their times. Every session that begins also ends. */
  events: Iterable<RiderEvent>;
  readonly sessions: number;
  readonly riders: number;
}

/**
 * What all riders do. There are as many places for riders who are out as the rate needs; events go around the places, in
 * another order each time. A place knows how many events it has left, so its last session ends with them.
 */
export function trafficOf(options: SimulationOptions, random: Random): Traffic {
  const total = eventsOf(options);
  const { rate, users, startMs } = options;
  const places = Math.max(
    1,
    Math.min(users, Math.ceil(rate * meanGapSeconds), Math.floor(total / minEventsPerPlace)),
  );
  const riders = new Riders(options, random, places);
  const all = { ...options, cities: options.cities.map(({ name }) => name) };
  const eventId = idsOf('simulated event', all);
  const sessionId = idsOf('simulated session', all);
  const msPerEvent = (options.minutes * 60_000) / total;
  let sessions = 0;

  function* events(): Generator<RiderEvent> {
    const current: (Session | undefined)[] = Array(places).fill(undefined);
    const order = Uint32Array.from({ length: places }, (_, place) => place);
    const rounds = Math.floor(total / places);
    /** The first places have one event more than the others. */
    const extra = total % places;
    for (let number = 0; number < total; number++) {
      const round = Math.floor(number / places);
      const turn = number - round * places;
      if (turn === 0) shuffle(order, round < rounds ? places : extra, random);
      const place = order[turn]!;
      const occurredMs = startMs + Math.floor(number * msPerEvent);
      let session = current[place];
      if (session === undefined) {
        const left = rounds - round + (place < extra ? 1 : 0);
        const length = Math.min(left, drawLength(random));
        const rider = riders.next(place);
        session = new Session(sessionId(sessions), rider, random, {
          // What would be left then is too short for a session of its own.
          length: left - length === 1 ? left : length,
          nowMs: occurredMs,
        });
        sessions += 1;
      }
      yield session.next(eventId(number), occurredMs);
      current[place] = session.ended ? undefined : session;
    }
  }

  return {
    events: events(),
    get sessions() {
      return sessions;
    },
    get riders() {
      return riders.seen;
    },
  };
}

/** Shuffles the first `count` places (Fisher and Yates). In the last round only these are left, so they go first. */
function shuffle(order: Uint32Array, count: number, random: Random): void {
  if (count < order.length) for (let at = 0; at < count; at++) order[at] = at;
  for (let at = count - 1; at > 0; at--) {
    const with_ = random.integer(0, at);
    const place = order[at]!;
    order[at] = order[with_]!;
    order[with_] = place;
  }
}
