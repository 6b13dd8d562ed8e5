import type { EventRecord } from '@windrow/contracts';
import type { RiderEvent } from './event.ts';

export const appName = 'Scooters';

/** The event as a record of the track stream's schema, for a producer that writes to Kafka. */
export function trackRecord(event: RiderEvent): EventRecord {
  const { device } = event;
  return {
    event_id: event.id,
    type: event.type,
    event_name: event.name,
    anonymous_id: event.anonymousId,
    user_id: event.userId,
    occurred_at: event.occurredMs,
    sent_at: event.sentMs,
    received_at: event.sentMs,
    city: event.city,
    latitude: event.latitude,
    longitude: event.longitude,
    timezone: event.timezone,
    os_name: device.osName,
    os_version: device.osVersion,
    device_type: device.type,
    device_model: device.model,
    device_manufacturer: device.manufacturer,
    app_name: appName,
    app_version: event.appVersion,
    app_build: null,
    properties: JSON.stringify(event.properties),
    traits: event.traits === null ? null : JSON.stringify(event.traits),
    context: null,
  };
}
