import type { Sample } from './facts.ts';

/** Examples in a finding. */
export const exampleCount = 3;

/** Counts the values that occur more than once. */
export class Repeats {
  readonly sample: Sample = { count: 0, examples: [] };
  #seen = new Set<string>();
  #repeated = new Set<string>();

  add(thing: string): void {
    if (!this.#seen.has(thing)) this.#seen.add(thing);
    else if (!this.#repeated.has(thing)) {
      this.#repeated.add(thing);
      note(this.sample, thing);
    }
  }

  /** Forgets the values so far, to free memory. The caller knows that they do not occur again. */
  forget(): void {
    this.#seen = new Set();
    this.#repeated = new Set();
  }
}

export function note(sample: Sample, thing: string): void {
  sample.count += 1;
  if (sample.examples.length < exampleCount) sample.examples.push(thing);
}
