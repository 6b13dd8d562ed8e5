import type { Random } from './random.ts';

/** What happens to an event on its way. */
export type Fault =
  /** It comes minutes after it happened, as from a phone without a network. */
  | { kind: 'late'; delayMs: number }
  /** The same message comes again, as after a lost answer. */
  | { kind: 'duplicate'; delayMs: number }
  /** It comes in a form that must become a dead letter. */
  | { kind: 'broken'; breakage: Breakage };

/**
 * `unreadable`: not in the form that is agreed at all; `place`: a latitude that no place has; `type`: a type that there is
 * not.
 */
export type Breakage = 'unreadable' | 'place' | 'type';

const breakages: readonly Breakage[] = ['unreadable', 'place', 'type'];

/** The fault of the next event, or null for none; `share` of all events have one, each kind as often. */
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
