import type { WriteKeyUsage } from '@windrow/contracts';

/** Events of one day by key id. */
interface Day {
  own: Map<string, number>;
  /** Key id → instance → events. */
  others: Map<string, Map<string, number>>;
  /** Key ids whose own count others have not been told yet. */
  untold: Set<string>;
}

/** The day of UTC: `2026-11-21` */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** What all instances have let pass today, as far as this one knows: its own count, and what others have said of theirs. */
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
    const { own, untold } = this.#day(day);
    own.set(keyId, (own.get(keyId) ?? 0) + events);
    untold.add(keyId);
  }

  /** What an instance has said of itself. */
  hear({ key_id, day, instance, events }: WriteKeyUsage): void {
    if (instance === this.#instance) return;
    const { others } = this.#day(day);
    const ofKey = others.get(key_id) ?? new Map<string, number>();
    others.set(key_id, ofKey.set(instance, events));
  }

  /** The own counts that have changed since they were last told. They count as told now: {@link keep} takes it back. */
  tell(): WriteKeyUsage[] {
    const usages: WriteKeyUsage[] = [];
    for (const [day, { own, untold }] of this.#days) {
      for (const key_id of untold)
        usages.push({ key_id, day, instance: this.#instance, events: own.get(key_id) ?? 0 });
      untold.clear();
    }
    return usages;
  }

  /** They could not be told. */
  keep(usages: WriteKeyUsage[]): void {
    for (const { key_id, day } of usages) this.#days.get(day)?.untold.add(key_id);
  }

  /** Days before this one are over. */
  forgetBefore(day: string): void {
    for (const known of this.#days.keys()) if (known < day) this.#days.delete(known);
  }

  #day(day: string): Day {
    const known = this.#days.get(day) ?? { own: new Map(), others: new Map(), untold: new Set() };
    this.#days.set(day, known);
    return known;
  }
}
