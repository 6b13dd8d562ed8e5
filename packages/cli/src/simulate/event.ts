import type { Device, Rider } from './rider.ts';

/** An event of a rider's app, before it takes the form of a sink. */
export interface RiderEvent {
  id: string;
  type: 'track' | 'screen' | 'page' | 'identify';
  /** Null for identify. */
  name: string | null;
  anonymousId: string;
  /** Null until the rider has been identified. */
  userId: string | null;
  occurredMs: number;
  /** When the phone sends it, by its own clock: for a late one, some minutes after it happened. */
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

/** What kind of event it is, for people. */
export function kindOf({ type, name }: RiderEvent): string {
  return type === 'track' ? String(name) : type === 'identify' ? 'Identify' : `${name} (${type})`;
}

/** An event of the rider, where that is now. */
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

/** To 0.00001°, which is about a metre. */
function toDegrees(value: number): number {
  return Math.round(value * 100_000) / 100_000;
}
