import { seededRandom } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';

/** A pseudo-random generator. The same seed gives the same values in the same order. */
export class Draw {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  one<T>(of: readonly T[]): T {
    return must(of[this.between(0, of.length - 1)]);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** Shuffles the items (Fisher-Yates). */
  shuffled<T>(of: readonly T[]): T[] {
    const things = [...of];
    for (let last = things.length - 1; last > 0; last--) {
      const other = this.between(0, last);
      [things[last], things[other]] = [must(things[other]), must(things[last])];
    }
    return things;
  }
}

/** Deals all cards of a round before it starts the next round. */
export class Deck<T> {
  readonly #cards: readonly T[];
  readonly #draw: Draw;
  #rest: T[] = [];

  constructor(cards: readonly T[], draw: Draw) {
    this.#cards = cards;
    this.#draw = draw;
  }

  /** The next card that fits; undefined if none of this round's remaining cards does. */
  deal(fits: (card: T) => boolean = () => true): T | undefined {
    if (this.#rest.length === 0) this.#rest = this.#draw.shuffled(this.#cards);
    const at = this.#rest.findIndex(fits);
    return at < 0 ? undefined : this.#rest.splice(at, 1)[0];
  }
}
