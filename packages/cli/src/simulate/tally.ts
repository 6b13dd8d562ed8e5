import type { Rejection } from '../producer-client.ts';
import { kindOf } from './event.ts';
import type { Delivery } from './timeline.ts';

export interface Counts {
  /** Acknowledged messages: rider events, their repeats, and observations. */
  messages: number;
  /** Rider events, including broken ones, without repeats. */
  events: number;
  observations: number;
  /** Repeated messages. */
  duplicates: number;
  late: number;
  broken: number;
  /** Events by kind: `Ride Started`, `Map (screen)`. */
  kinds: Record<string, number>;
  /** Messages that the producer's HTTP API rejected, by reason. It should reject the broken ones. */
  rejected: Record<string, number>;
}

/** Counts acknowledged messages. */
export class Tally {
  readonly counts: Counts = {
    messages: 0,
    events: 0,
    observations: 0,
    duplicates: 0,
    late: 0,
    broken: 0,
    kinds: {},
    rejected: {},
  };

  add(batch: readonly Delivery[], rejections: readonly Rejection[]): void {
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
    for (const { reason } of rejections) increment(counts.rejected, reason);
  }
}

function increment(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
