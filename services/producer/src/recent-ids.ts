import { hash } from 'node:crypto';

/** About 10 MB of memory, independent of the input. */
const defaultMaxIds = 100_000;
/** Longer ids are stored as a hash. V8 hashes strings over 16 K by their length alone, so a Set of them would be slow. */
const maxIdLength = 64;

/** Remembers the most recently added ids: between half of `maxIds` and `maxIds`. */
export class RecentIds {
  readonly #maxGeneration: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(maxIds = defaultMaxIds) {
    this.#maxGeneration = Math.ceil(maxIds / 2);
  }

  /** Adds the id. @returns whether it was known already */
  add(wholeId: string): boolean {
    const id = wholeId.length <= maxIdLength ? wholeId : hash('sha256', wholeId, 'base64url');
    if (this.#young.has(id)) return true;
    const isKnown = this.#old.has(id);
    this.#young.add(id);
    if (this.#young.size >= this.#maxGeneration) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    return isKnown;
  }
}
