import { timingSafeEqual } from 'node:crypto';
import { digestOf, prefixOf, type WriteKey } from '@windrow/contracts';

/** The write keys of the installation, revoked ones included. */
export class KeyTable {
  readonly #byId = new Map<string, WriteKey>();
  readonly #byPrefix = new Map<string, WriteKey[]>();

  get size(): number {
    return this.#byId.size;
  }

  put(id: string, writeKey: WriteKey): void {
    this.delete(id);
    this.#byId.set(id, writeKey);
    this.#byPrefix.set(writeKey.prefix, [...(this.#byPrefix.get(writeKey.prefix) ?? []), writeKey]);
  }

  delete(id: string): void {
    const former = this.#byId.get(id);
    if (!former) return;
    this.#byId.delete(id);
    const others = (this.#byPrefix.get(former.prefix) ?? []).filter((writeKey) => writeKey !== former);
    if (others.length > 0) this.#byPrefix.set(former.prefix, others);
    else this.#byPrefix.delete(former.prefix);
  }

  /**
   * Finds the record of a key. The prefix, which is not secret, selects the candidates; their digests are compared in constant
   * time.
   */
  find(key: string): WriteKey | undefined {
    const digest = digestOf(key);
    return this.#byPrefix
      .get(prefixOf(key))
      ?.find(({ sha256 }) => sha256.length === digest.length && timingSafeEqual(sha256, digest));
  }
}
