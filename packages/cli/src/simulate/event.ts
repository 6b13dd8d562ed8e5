import type { Device, Rider } from './rider.ts';

/** An event of a rider's app, before it is converted to the format of a sink. */
export interface RiderEvent {
  id: string;
  type: 'track' | 'screen' | 'page' | 'identify';
  /** Null for identify. */
  name: string | null;
  anonymousId: string;
  /** Null until the rider has been identified. */
  userId: string | null;
  occurredMs: number;
  /** When the phone sends it. For a late event, that is some minutes after it happened. */
  sentMs: number;
  city: string;
  timezone: string;
  latitude: number;
  longitude: number;
  device: Device;
  appVersion: string;
  properties: Record<string, unknown>;
  traits: Record<string, unknown> | null;
}

/** The kind of event, for the summary: `Ride Started`, `Map (screen)`. */
export function kindOf({ type, name }: RiderEvent): string {
  return type === 'track' ? String(name) : type === 'identify' ? 'Identify' : `${name} (${type})`;
}

/** An event at the rider's current location. */
export function eventOf(
  rider: Rider,
  { id, type, name, occurredMs, properties, traits }: OwnFacts,
): RiderEvent {
  return {
    id,
    type,
    name,
    anonymousId: rider.anonymousId,
    userId: rider.identified ? rider.userId : null,
    occurredMs,
    sentMs: occurredMs,
    city: rider.city.name,
    timezone: rider.city.timezone,
    latitude: toDegrees(rider.latitude),
    longitude: toDegrees(rider.longitude),
    device: rider.device,
    appVersion: rider.appVersion,
    properties,
    traits,
  };
}

type OwnFacts = Pick<RiderEvent, 'id' | 'type' | 'name' | 'occurredMs' | 'properties' | 'traits'>;

/** Rounded to 0.00001°, which is about a metre. */
function toDegrees(value: number): number {
  return Math.round(value * 100_000) / 100_000;
}
