import type { Random } from './random.ts';
import type { Rider } from './rider.ts';

const metresPerDegree = 111_195;
/** The speed limit for scooters in most of the cities. */
const maxSpeedMs = 25 / 3.6;
const usualSpeedMs = 5;
/** The distance from the centre at which riders turn back. */
const areaMetres = 5_000;

/** A ride on a rented scooter. It moves the rider. */
export class Trip {
  readonly #rider: Rider;
  readonly #random: Random;
  readonly #scooterId: string;
  #batteryShare: number;
  #startedMs = 0;
  #movedMs = 0;
  /** Radians; 0 is north. */
  #bearing: number;
  #speedMs = 0;
  #metres = 0;

  constructor(rider: Rider, random: Random) {
    this.#rider = rider;
    this.#random = random;
    this.#scooterId = `scooter-${random.integer(1, 99_999)}`;
    this.#batteryShare = random.between(0.4, 1);
    this.#bearing = random.between(-Math.PI, Math.PI);
  }

  start(nowMs: number): void {
    this.#startedMs = nowMs;
    this.#movedMs = nowMs;
  }

  /** Moves up to this time, with random changes of direction and speed. */
  move(nowMs: number): void {
    const { city } = this.#rider;
    const eastScale = Math.cos((city.latitude * Math.PI) / 180);
    const north = (this.#rider.latitude - city.latitude) * metresPerDegree;
    const east = (this.#rider.longitude - city.longitude) * metresPerDegree * eastScale;
    this.#bearing =
      Math.hypot(north, east) > areaMetres
        ? Math.atan2(-east, -north)
        : this.#bearing + 0.4 * this.#random.normal();
    const faster = 0.3 * (usualSpeedMs - this.#speedMs) + 0.8 * this.#random.normal();
    this.#speedMs = Math.min(maxSpeedMs, Math.max(0, this.#speedMs + faster));
    const metres = (this.#speedMs * (nowMs - this.#movedMs)) / 1_000;
    this.#rider.latitude += (metres * Math.cos(this.#bearing)) / metresPerDegree;
    this.#rider.longitude += (metres * Math.sin(this.#bearing)) / (metresPerDegree * eastScale);
    this.#metres += metres;
    this.#batteryShare = Math.max(0, this.#batteryShare - metres / 30_000);
    this.#movedMs = nowMs;
  }

  end(nowMs: number): void {
    this.move(nowMs);
    this.#speedMs = 0;
  }

  /** The properties of a ride event. */
  state(sessionId: string): Record<string, unknown> {
    return {
      session_id: sessionId,
      scooter_id: this.#scooterId,
      battery_percent: Math.round(100 * this.#batteryShare),
      speed_kmh: Math.round(10 * 3.6 * this.#speedMs) / 10,
      distance_m: Math.round(this.#metres),
    };
  }

  /** The properties of the payment event. */
  payment(sessionId: string): Record<string, unknown> {
    const minutes = (this.#movedMs - this.#startedMs) / 60_000;
    return {
      session_id: sessionId,
      scooter_id: this.#scooterId,
      amount: Math.round(100 * (1 + 0.25 * minutes)) / 100,
      currency: 'EUR',
      payment_method: 'card',
    };
  }
}
