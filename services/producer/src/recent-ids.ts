/** About 10 MB of ids of Segment's SDKs. */
const defaultMaxIds = 100_000;

/** Remembers the last ids it was told: at least half of `maxIds`, and no more than that. */
export class RecentIds {
  readonly #maxGeneration: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(maxIds = defaultMaxIds) {
    this.#maxGeneration = Math.ceil(maxIds / 2);
  }

  /** Whether it was among them already. */
  add(id: string): boolean {
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
