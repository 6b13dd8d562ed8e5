import type { EventRecord, InputSource } from '../../src/contract.ts';
import { contentId } from '../../src/event-id.ts';
import { epochMs } from '../../src/input.ts';

/** The three forms in which track events come; the values get their types afterwards. */
export function parseTrack(input: EventRecord, source: InputSource): EventRecord {
  const values =
    'occurred_at' in input ? { ...input } : isExport(input) ? fromExport(input) : fromSegment(input, source);
  values.event_id ??= contentId('track', input);
  values.type ??= 'track';
  values.received_at = source.kind === 'http' ? source.receivedAtMs : (values.received_at ?? Date.now());
  return values;
}

const object = (value: unknown): EventRecord =>
  typeof value === 'object' && value !== null ? (value as EventRecord) : {};

/** A message of Segment's HTTP API (https://segment.com/docs/connections/spec/common/). */
function fromSegment(message: EventRecord, source: InputSource): EventRecord {
  const context = object(message.context);
  const [location, os, device, app] = ['location', 'os', 'device', 'app'].map((part) =>
    object(context[part]),
  );
  const linked = { groupId: message.groupId, previousId: message.previousId };
  const hasLinked = linked.groupId !== undefined || linked.previousId !== undefined;
  return {
    event_id: message.messageId,
    type: message.type,
    event_name: message.event ?? message.name,
    anonymous_id: message.anonymousId,
    user_id: message.userId,
    occurred_at: occurredAt(message, source),
    sent_at: message.sentAt,
    received_at: message.receivedAt,
    city: location?.city,
    latitude: location?.latitude,
    longitude: location?.longitude,
    timezone: context.timezone,
    os_name: os?.name,
    os_version: os?.version,
    device_type: device?.type,
    device_model: device?.model,
    device_manufacturer: device?.manufacturer,
    app_name: app?.name,
    app_version: app?.version,
    app_build: app?.build,
    properties: message.properties ?? (hasLinked ? linked : undefined),
    traits: message.traits ?? context.traits,
    context: message.context,
  };
}

/** Beyond this error of the device's clock, its times are corrected. */
const clockErrorMs = 60_000;

/** Over HTTP, Segment's clock correction; in files, history as it was written. */
function occurredAt(message: EventRecord, source: InputSource): unknown {
  const time = message.timestamp ?? message.originalTimestamp;
  if (source.kind === 'file') return time ?? message.sentAt ?? message.receivedAt;
  if (time === undefined || time === null) return source.receivedAtMs;
  const occurredMs = epochMs(time);
  const sentMs = epochMs(message.sentAt);
  if (occurredMs === undefined || sentMs === undefined) return time;
  if (Math.abs(source.receivedAtMs - sentMs) <= clockErrorMs) return time;
  return source.receivedAtMs - (sentMs - occurredMs);
}

const isExport = (input: EventRecord): boolean =>
  'original_timestamp_time' in input || 'original_timestamp' in input || 'context_timezone' in input;

/** A row of an analytics warehouse's table of tracks: `context_…` and `properties_…` are columns of their own. */
function fromExport(row: EventRecord): EventRecord {
  const nested = (prefix: string): EventRecord | undefined => {
    const entries = Object.entries(row).filter(
      ([key, value]) => key.startsWith(prefix) && value !== null && value !== undefined && value !== '',
    );
    return entries.length > 0
      ? Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length), value]))
      : undefined;
  };
  return {
    event_id: row.message_id ?? row.id,
    type: row.type,
    event_name: row.event_name ?? row.event_text ?? row.event,
    anonymous_id: row.anonymous_id,
    user_id: row.user_id,
    occurred_at: row.original_timestamp_time ?? row.original_timestamp ?? row.timestamp,
    sent_at: row.sent_time ?? row.sent_at,
    received_at: row.received_time ?? row.received_at,
    city: row.context_location_city,
    latitude: row.context_location_latitude,
    longitude: row.context_location_longitude,
    timezone: row.context_timezone,
    os_name: row.context_os_name,
    os_version: row.context_os_version,
    device_type: row.context_device_type,
    device_model: row.context_device_model,
    device_manufacturer: row.context_device_manufacturer,
    app_name: row.context_app_name,
    app_version: row.context_app_version,
    app_build: row.context_app_build,
    properties: nested('properties_'),
    traits: nested('traits_'),
    context: nested('context_'),
  };
}
