import type { RiderEvent } from './event.ts';
import { idsOf } from './ids.ts';
import { eventsOf, type SimulationOptions } from './options.ts';
import { Order } from './order.ts';
import type { Random } from './random.ts';
import { Riders } from './rider.ts';
import { drawLength, Session } from './session.ts';

/** The average time between two events of an active rider, if there are enough riders for the rate. */
const meanGapSeconds = 10;
/** Leaves room for more than one session per place in a short simulation. */
const minEventsPerPlace = 30;

export interface Traffic {
  /** In the order of their times. Every session that is opened is also closed. */
  events: Iterable<RiderEvent>;
  readonly sessions: number;
  readonly riders: number;
}

/**
 * The events of all riders. The rate determines the number of places, each of which one active rider takes at a time. In each
 * round, every place has one event, in random order. A place knows how many events it has left, so that its last session is
 * closed with the last of them.
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
    const order = new Order(places);
    const rounds = Math.floor(total / places);
    /** So many places, the first ones, have one event more than the others. */
    const extra = total % places;
    for (let number = 0; number < total; number++) {
      const round = Math.floor(number / places);
      const turn = number - round * places;
      if (turn === 0) shuffle(order, round < rounds ? places : extra, random);
      const place = order.at(turn);
      const occurredMs = startMs + Math.floor(number * msPerEvent);
      let session = current[place];
      if (session === undefined) {
        const left = rounds - round + (place < extra ? 1 : 0);
        const length = Math.min(left, drawLength(random));
        const rider = riders.next(place);
        session = new Session(sessionId(sessions), rider, random, {
          // A single event that would be left is too short for a session, so it belongs to this one.
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

/** Shuffles the first `count` places (Fisher and Yates). Before the last round, which only these have, they are moved to the front. */
function shuffle(order: Order, count: number, random: Random): void {
  if (count < order.length) order.reset(count);
  for (let at = count - 1; at > 0; at--) order.swap(at, random.integer(0, at));
}
