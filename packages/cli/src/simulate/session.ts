import { eventOf, type RiderEvent } from './event.ts';
import type { Random } from './random.ts';
import type { Rider } from './rider.ts';
import { Trip } from './trip.ts';

type Step =
  | 'App Opened'
  | 'Identify'
  | 'Map'
  | 'Offers'
  | 'Scooter Unlocked'
  | 'Ride Started'
  | 'Ride Progressed'
  | 'Ride Ended'
  | 'Payment Completed'
  | 'Receipt'
  | 'App Closed';

const beforeRide: readonly Step[] = ['Map', 'Scooter Unlocked', 'Ride Started'];
const afterRide: readonly Step[] = ['Ride Ended', 'Payment Completed', 'Receipt'];

/** The steps of a session of `length` events, at least two: with a ride if there are enough events for one. */
export function stepsOf(length: number, { identify }: { identify: boolean }): Step[] {
  const steps: Step[] = ['App Opened'];
  if (identify && length > 2) steps.push('Identify');
  const room = length - steps.length - 1;
  const progressed = room - beforeRide.length - afterRide.length;
  if (progressed > 0) {
    steps.push(...beforeRide, ...Array<Step>(progressed).fill('Ride Progressed'), ...afterRide);
  } else {
    for (let screen = 0; screen < room; screen++) steps.push(screen % 2 === 0 ? 'Map' : 'Offers');
  }
  steps.push('App Closed');
  return steps;
}

/** How many events a session should have, if enough are left. */
export function drawLength(random: Random): number {
  return random.chance(0.2) ? random.integer(3, 6) : random.integer(10, 24);
}

/** One use of the app, from App Opened to App Closed. */
export class Session {
  readonly #id: string;
  readonly #rider: Rider;
  readonly #random: Random;
  readonly #steps: Step[];
  readonly #openedMs: number;
  #at = 0;
  #trip: Trip | undefined;

  constructor(
    id: string,
    rider: Rider,
    random: Random,
    { length, nowMs }: { length: number; nowMs: number },
  ) {
    this.#id = id;
    this.#rider = rider;
    this.#random = random;
    this.#openedMs = nowMs;
    this.#steps = stepsOf(length, { identify: !rider.identified });
  }

  get ended(): boolean {
    return this.#at === this.#steps.length;
  }

  /** The next event. Times must not decrease. */
  next(id: string, occurredMs: number): RiderEvent {
    const step = this.#steps[this.#at++];
    if (step === undefined) throw new RangeError(`session ${this.#id} has no more events`);
    const event = (
      type: RiderEvent['type'],
      name: string | null,
      properties: RiderEvent['properties'] = { session_id: this.#id },
      traits: RiderEvent['traits'] = null,
    ) => eventOf(this.#rider, { id, type, name, occurredMs, properties, traits });
    switch (step) {
      case 'Identify': {
        const { userId, city } = this.#rider;
        this.#rider.identified = true;
        const traits = { email: `${userId}@example.com`, home_city: city.name };
        return event('identify', null, undefined, traits);
      }
      case 'App Opened':
        return event('track', step);
      case 'Map':
      case 'Offers':
        return event('screen', step);
      case 'Receipt':
        return event('page', step);
      case 'App Closed': {
        const seconds = Math.round((occurredMs - this.#openedMs) / 1_000);
        return event('track', step, { session_id: this.#id, session_seconds: seconds });
      }
      case 'Scooter Unlocked':
        this.#trip = new Trip(this.#rider, this.#random);
        break;
      case 'Ride Started':
        this.#ride().start(occurredMs);
        break;
      case 'Ride Progressed':
        this.#ride().move(occurredMs);
        break;
      case 'Ride Ended':
        this.#ride().end(occurredMs);
        break;
      case 'Payment Completed':
        return event('track', step, this.#ride().payment(this.#id));
    }
    return event('track', step, this.#ride().state(this.#id));
  }

  #ride(): Trip {
    if (!this.#trip) throw new Error(`session ${this.#id} has no unlocked scooter`);
    return this.#trip;
  }
}
