import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Draws that are the same for the same seed. */
export interface Random {
  /** From 0 to below 1. */
  share(): number;
  /** A whole number, both ends included. */
  integer(low: number, high: number): number;
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Around 0 with a deviation of 1: twelve even draws make it nearly normal, and never wild. */
  normal(): number;
}

/** `count` generators of one seed that never meet, so that drawing more of one leaves the others as they are. */
export function randoms(seed: number, count: number): Random[] {
  const generator = xoroshiro128plus(seed);
  return Array.from({ length: count }, () => {
    const own = generator.clone();
    generator.jump();
    const share = () => uniformFloat64(own);
    return {
      share,
      integer: (low, high) => uniformInt(own, low, high),
      between: (low, high) => low + (high - low) * share(),
      chance: (probability) => share() < probability,
      pick: (from) => from[uniformInt(own, 0, from.length - 1)] as (typeof from)[number],
      normal() {
        let sum = -6;
        for (let draw = 0; draw < 12; draw++) sum += share();
        return sum;
      },
    };
  });
}
