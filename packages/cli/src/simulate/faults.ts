import type { Random } from './random.ts';

/** A fault of an event. */
export type Fault =
  /** Sent minutes after it happened, as by a phone without a network. */
  | { kind: 'late'; delayMs: number }
  /** The same message is sent again, as after a lost response. */
  | { kind: 'duplicate'; delayMs: number }
  /** Sent in a form that must become a dead letter. */
  | { kind: 'broken'; breakage: Breakage };

/** `unreadable`: the bytes cannot be decoded; `place`: the latitude is out of range; `type`: the event type is unknown. */
export type Breakage = 'unreadable' | 'person' | 'type';

const breakages: readonly Breakage[] = ['unreadable', 'person', 'type'];

/** The fault of the next event, or null. `share` of all events have a fault; all kinds are equally likely. */
export function drawFault(random: Random, share: number): Fault | null {
  if (!random.chance(share)) return null;
  switch (random.integer(0, 2)) {
    case 0:
      return { kind: 'late', delayMs: random.integer(30_000, 300_000) };
    case 1:
      return { kind: 'duplicate', delayMs: random.integer(1_000, 60_000) };
    default:
      return { kind: 'broken', breakage: random.pick(breakages) };
  }
}
