import type { WriteKeyUsage } from '@windrow/contracts';

/** Events of one day by key id. */
interface Day {
  own: Map<string, number>;
  /** Key id → instance → events. */
  others: Map<string, Map<string, number>>;
  /** Key ids whose count of this instance has changed since it was published. */
  unpublished: Set<string>;
}

/** The day in UTC: `2026-11-21` */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** The events that all instances have accepted per key and day: this instance's count and the counts that others published. */
export class DailyUsage {
  readonly #instance: string;
  readonly #days = new Map<string, Day>();

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** The events of that day, of all instances. */
  eventsOf(keyId: string, day: string): number {
    const known = this.#days.get(day);
    if (!known) return 0;
    let events = known.own.get(keyId) ?? 0;
    for (const theirs of known.others.get(keyId)?.values() ?? []) events += theirs;
    return events;
  }

  /** @param events negative to subtract events that did not reach Kafka */
  add(keyId: string, day: string, events: number): void {
    const { own, unpublished } = this.#day(day);
    own.set(keyId, (own.get(keyId) ?? 0) + events);
    unpublished.add(keyId);
  }

  /** Applies a count that an instance has published. */
  apply({ key_id, day, instance, events }: WriteKeyUsage): void {
    if (instance === this.#instance) return;
    const { others } = this.#day(day);
    const ofKey = others.get(key_id) ?? new Map<string, number>();
    others.set(key_id, ofKey.set(instance, events));
  }

  /** Returns this instance's counts that have changed since they were published, and marks them as published. */
  takeUnpublished(): WriteKeyUsage[] {
    const usages: WriteKeyUsage[] = [];
    for (const [day, { own, unpublished }] of this.#days) {
      for (const key_id of unpublished)
        usages.push({ key_id, day, instance: this.#instance, events: own.get(key_id) ?? 0 });
      unpublished.clear();
    }
    return usages;
  }

  /** Marks counts as unpublished again, after a failure. */
  putBack(usages: WriteKeyUsage[]): void {
    for (const { key_id, day } of usages) this.#days.get(day)?.unpublished.add(key_id);
  }

  /** Removes the days before this one. */
  forgetBefore(day: string): void {
    for (const known of this.#days.keys()) if (known < day) this.#days.delete(known);
  }

  #day(day: string): Day {
    const known = this.#days.get(day) ?? { own: new Map(), others: new Map(), unpublished: new Set() };
    this.#days.set(day, known);
    return known;
  }
}
