import type { RiderEvent } from './event.ts';
import { appName } from './track-record.ts';

/**
 * The event as a mobile SDK posts it (https://segment.com/docs/connections/spec/common/), without `sentAt`: the server uses it
 * to correct the device's clock, but simulated times are not meant to be corrected.
 */
export function segmentMessage(event: RiderEvent): Record<string, unknown> {
  const { device } = event;
  return {
    type: event.type,
    messageId: event.id,
    ...(event.type === 'track' && { event: event.name }),
    ...((event.type === 'screen' || event.type === 'page') && { name: event.name }),
    anonymousId: event.anonymousId,
    ...(event.userId !== null && { userId: event.userId }),
    timestamp: new Date(event.occurredMs).toISOString(),
    properties: event.properties,
    ...(event.traits !== null && { traits: event.traits }),
    context: {
      app: { name: appName, version: event.appVersion },
      device: { type: device.type, manufacturer: device.manufacturer, model: device.model },
      os: { name: device.osName, version: device.osVersion },
      timezone: event.timezone,
      location: { city: event.city, latitude: event.latitude, longitude: event.longitude },
    },
  };
}
