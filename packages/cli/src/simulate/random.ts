import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Random numbers that are the same for the same seed. */
export interface Random {
  /** From 0 to below 1. */
  share(): number;
  /** An integer, both ends included. */
  integer(low: number, high: number): number;
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Mean 0, standard deviation 1: the sum of twelve uniform draws, which is nearly normal and has no extreme values. */
  normal(): number;
}

/**
 * A generator for each name, all from one seed. Their sequences do not overlap, so drawing more from one does not change the
 * others.
 */
export function randoms<Name extends string>(seed: number, names: readonly Name[]): Record<Name, Random> {
  const generator = xoroshiro128plus(seed);
  const entries = names.map((name): [Name, Random] => {
    const own = generator.clone();
    generator.jump();
    const share = () => uniformFloat64(own);
    const random: Random = {
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
    return [name, random];
  });
  return Object.fromEntries(entries) as Record<Name, Random>;
}
