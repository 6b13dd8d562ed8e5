import type { City } from '../cities.ts';

/** Equal options produce equal messages, byte for byte. */
export interface SimulationOptions {
  /** Rider events per second. */
  rate: number;
  minutes: number;
  /** The number of riders. The rate determines how many of them are active at a time. */
  users: number;
  cities: readonly City[];
  /** The share of rider events that are late, sent twice or broken, from 0 to 1. */
  faultShare: number;
  seed: number;
  /** The start of the simulated time, in epoch milliseconds. */
  startMs: number;
}

/** Rider events of the whole simulation, without repeats. At least two, which is the shortest session. */
export function eventsOf({ rate, minutes }: SimulationOptions): number {
  return Math.max(2, Math.round(rate * minutes * 60));
}

export function endOf({ startMs, minutes }: SimulationOptions): number {
  return startMs + Math.round(minutes * 60_000);
}
