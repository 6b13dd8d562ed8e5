import type { EventRecord } from '@windrow/contracts';
import { must } from '@windrow/runtime/testing';

const firstMs = Date.UTC(2024, 4, 1);
const dayMs = 86_400_000;
const names = ['Ride Started', 'Ride Ended', 'Order Completed', 'Page Viewed'];
const cities = ['Zurich', 'Geneva', 'Bern', 'Lugano'];

/** Event number `n` of a run. All its fields are derived from `n`. */
export interface ChaosEvent {
  id: string;
  occurredMs: number;
  user: string;
  name: string;
  city: string;
}

/** Alternates between two days, so that every micro-batch writes files of two dates. */
export function eventNumber(run: string, n: number): ChaosEvent {
  return {
    id: `${run}-${n}`,
    occurredMs: firstMs + (n % 2) * dayMs + ((n * 200) % (20 * 3_600_000)),
    user: `user-${n % 97}`,
    name: must(names[n % names.length]),
    city: must(cities[n % cities.length]),
  };
}

/** The event as a client of Segment's HTTP API sends it. */
export function segmentMessage(event: ChaosEvent): object {
  return {
    type: 'track',
    messageId: event.id,
    event: event.name,
    userId: event.user,
    timestamp: new Date(event.occurredMs).toISOString(),
    properties: { run: event.id },
    context: { location: { city: event.city } },
  };
}

/** The event as another Kafka client writes it to the raw topic. */
export function rawRecord(event: ChaosEvent, fields: readonly string[]): EventRecord {
  const known: EventRecord = {
    event_id: event.id,
    type: 'track',
    event_name: event.name,
    user_id: event.user,
    occurred_at: event.occurredMs,
    received_at: Date.now(),
    city: event.city,
    properties: JSON.stringify({ run: event.id }),
  };
  return Object.fromEntries(fields.map((field) => [field, known[field] ?? null]));
}

/** An event that the rule on `occurred_at` (not before 2000) rejects. */
export function againstTheRules(event: ChaosEvent): ChaosEvent {
  return { ...event, id: `${event.id}-bad`, occurredMs: Date.UTC(1999, 0, 1) + event.occurredMs - firstMs };
}

/** Observation number `n`: one hour of a city. Some are corrections of earlier observations. */
export function observationNumber(n: number): { city: string; observed_at: string; temperature_c: number } {
  return {
    city: must(cities[n % cities.length]),
    observed_at: new Date(firstMs + (Math.floor(n / cities.length) % 48) * 3_600_000).toISOString(),
    temperature_c: 10 + (n % 150) / 10,
  };
}
