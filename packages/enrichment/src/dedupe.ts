import type { EventRecord, StreamContract } from '@windrow/contracts';
import { IdTable } from './id-table.ts';

/** The share of ids that an eviction keeps. Evicting one id at a time would sort all ids each time. */
const keptShare = 0.75;

/** Returns one text for the id fields of a record; different ids give different texts. */
export function idReader(fields: StreamContract['id']): (record: EventRecord) => string {
  const [only] = fields;
  if (fields.length === 1 && only !== undefined) return (record) => String(record[only]);
  return (record) => fields.map((field) => lengthFirst(String(record[field]))).join('');
}

const lengthFirst = (text: string): string => `${text.length}:${text}`;

/**
 * Remembers the ids of a partition's accepted events for `horizonMs`, by the broker's time. It is exact for up to `maxIds`
 * ids (32 to 64 bytes each). With more ids, it evicts the oldest early and counts them.
 */
export class Dedupe {
  readonly #ids = new IdTable();
  readonly #horizonMs: number;
  readonly #maxIds: number;
  #evicted = 0;

  constructor({ horizonMs, maxIds }: { horizonMs: number; maxIds: number }) {
    this.#horizonMs = horizonMs;
    this.#maxIds = maxIds;
  }

  get size(): number {
    return this.#ids.size;
  }

  get bytes(): number {
    return this.#ids.bytes;
  }

  /** How many ids were evicted early since the last call. */
  takeEvicted(): number {
    const evicted = this.#evicted;
    this.#evicted = 0;
    return evicted;
  }

  /** Whether the id was accepted less than `horizonMs` before `timeMs`. */
  has(id: string, timeMs: number): boolean {
    return timeMs - this.#ids.get(id) < this.#horizonMs;
  }

  add(id: string, timeMs: number): void {
    if (this.#ids.isFull || this.#ids.size >= this.#maxIds) this.#makeRoom(timeMs);
    this.#ids.set(id, timeMs);
  }

  #makeRoom(nowMs: number): void {
    const expiredMs = nowMs - this.#horizonMs;
    const times = this.#ids.timesAfter(expiredMs);
    const kept = Math.floor(keptShare * this.#maxIds);
    if (this.#ids.size < this.#maxIds || times.length <= kept) {
      this.#ids.rebuild(expiredMs, Math.min(this.#maxIds, 2 * times.length));
      return;
    }
    times.sort();
    this.#ids.rebuild(times[times.length - kept - 1] as number, this.#maxIds);
    this.#evicted += times.length - this.#ids.size;
  }
}
