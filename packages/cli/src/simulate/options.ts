import type { City } from '../cities.ts';

/** What a simulation is made from: equal options make equal messages, byte for byte. */
export interface SimulationOptions {
  /** Events of riders a second. */
  rate: number;
  minutes: number;
  /** How many people there are; of these, only as many are out at a time as the rate needs. */
  users: number;
  cities: readonly City[];
  /** 0 to 1: of all events of riders, how many are late, sent twice, or broken. */
  faultShare: number;
  seed: number;
  /** When the simulated time begins, epoch milliseconds. */
  startMs: number;
}

/** Events of riders in the whole simulation, repeats not counted; at least one session's. */
export function eventsOf({ rate, minutes }: SimulationOptions): number {
  return Math.max(2, Math.round(rate * minutes * 60));
}

export function endOf({ startMs, minutes }: SimulationOptions): number {
  return startMs + Math.round(minutes * 60_000);
}
