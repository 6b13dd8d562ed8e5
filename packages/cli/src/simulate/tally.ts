import type { Refusal } from '../producer-client.ts';
import { kindOf } from './event.ts';
import type { Delivery } from './timeline.ts';

export interface Counts {
  /** Messages that Kafka has: events of riders with their repeats, and observations. */
  messages: number;
  /** Events of riders, broken ones included, repeats not. */
  events: number;
  observations: number;
  /** Messages that had been sent before. */
  duplicates: number;
  late: number;
  broken: number;
  /** Events by what they tell: `Ride Started`, `Map (screen)`. */
  kinds: Record<string, number>;
  /** What the producer's HTTP API refused, by its reasons; broken ones are there by their right. */
  refused: Record<string, number>;
}

/** Counts what has been acknowledged. */
export class Tally {
  readonly counts: Counts = {
    messages: 0,
    events: 0,
    observations: 0,
    duplicates: 0,
    late: 0,
    broken: 0,
    kinds: {},
    refused: {},
  };

  add(batch: readonly Delivery[], refusals: readonly Refusal[]): void {
    const { counts } = this;
    counts.messages += batch.length;
    for (const delivery of batch) {
      if (delivery.stream === 'weather') counts.observations += 1;
      else if (delivery.repeated) counts.duplicates += 1;
      else {
        counts.events += 1;
        if (delivery.breakage !== null) counts.broken += 1;
        if (delivery.event.sentMs !== delivery.event.occurredMs) counts.late += 1;
        increment(counts.kinds, kindOf(delivery.event));
      }
    }
    for (const { reason } of refusals) increment(counts.refused, reason);
  }
}

function increment(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
