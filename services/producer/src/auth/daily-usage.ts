import type { WriteKeyUsage } from '@windrow/contracts';

/** Events of one day by key id. */
interface Day {
  own: Map<string, number>;
  /** Key id → instance → events. */
  others: Map<string, Map<string, number>>;
  /** Key ids whose own count has changed since it was published. */
  unpublished: Set<string>;
}

/** The day of UTC: `2026-11-21` */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** What all instances have let pass by day, as far as this one knows: its own count, and what others have published. */
export class DailyUsage {
  readonly #instance: string;
  readonly #days = new Map<string, Day>();

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** Of that day, by all instances. */
  eventsOf(keyId: string, day: string): number {
    const known = this.#days.get(day);
    if (!known) return 0;
    let events = known.own.get(keyId) ?? 0;
    for (const theirs of known.others.get(keyId)?.values() ?? []) events += theirs;
    return events;
  }

  /** Negative: to take back what did not go through. */
  add(keyId: string, day: string, events: number): void {
    const { own, unpublished } = this.#day(day);
    own.set(keyId, (own.get(keyId) ?? 0) + events);
    unpublished.add(keyId);
  }

  /** What an instance has published. */
  apply({ key_id, day, instance, events }: WriteKeyUsage): void {
    if (instance === this.#instance) return;
    const { others } = this.#day(day);
    const ofKey = others.get(key_id) ?? new Map<string, number>();
    others.set(key_id, ofKey.set(instance, events));
  }

  /** The own counts that have changed since they were published. They count as published now, unless they are {@link putBack}. */
  takeUnpublished(): WriteKeyUsage[] {
    const usages: WriteKeyUsage[] = [];
    for (const [day, { own, unpublished }] of this.#days) {
      for (const key_id of unpublished)
        usages.push({ key_id, day, instance: this.#instance, events: own.get(key_id) ?? 0 });
      unpublished.clear();
    }
    return usages;
  }

  /** They could not be published. */
  putBack(usages: WriteKeyUsage[]): void {
    for (const { key_id, day } of usages) this.#days.get(day)?.unpublished.add(key_id);
  }

  /** Days before this one are over. */
  forgetBefore(day: string): void {
    for (const known of this.#days.keys()) if (known < day) this.#days.delete(known);
  }

  #day(day: string): Day {
    const known = this.#days.get(day) ?? { own: new Map(), others: new Map(), unpublished: new Set() };
    this.#days.set(day, known);
    return known;
  }
}
