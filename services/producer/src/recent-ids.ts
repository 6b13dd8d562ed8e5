import { hash } from 'node:crypto';

/** About 10 MB, whatever clients send. */
const defaultMaxIds = 100_000;
/** A longer id is remembered by its hash: V8 finds strings over 16 K by their length alone, so a Set of them is a list. */
const maxIdLength = 64;

/** Remembers the last ids it was told: at least half of `maxIds`, and no more than that. */
export class RecentIds {
  readonly #maxGeneration: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(maxIds = defaultMaxIds) {
    this.#maxGeneration = Math.ceil(maxIds / 2);
  }

  /** Whether it was among them already. */
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
