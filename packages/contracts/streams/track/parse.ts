import type { EventRecord } from '../../src/avro/avro-record.ts';
import type { InputSource } from '../../src/contract.ts';
import { contentId } from '../../src/event-id.ts';
import { hasValue } from '../../src/input.ts';
import { isEmptyArray, isJsonObject } from '../../src/json/json-column.ts';
import { messageReader } from '../../src/message-fields.ts';
import { segmentMessage } from './message.ts';

/**
 * Reads messages of Segment's specification; from files also records with our field names, and rows of a warehouse. The
 * caller converts the values to their types.
 */
export function parseTrack(input: EventRecord, source: InputSource): EventRecord {
  const values = source.kind === 'http' ? fromSegment(input, source) : fromFile(input, source);
  // An empty cell of a file is as absent as a column that is not there.
  if (!hasValue(values.event_id))
    values.event_id = contentId('track', source.kind === 'http' ? withoutSentAt(input) : input);
  if (!hasValue(values.type)) values.type = 'track';
  if (source.kind === 'http') values.received_at = source.receivedAtMs;
  else if (!hasValue(values.received_at)) values.received_at = Date.now();
  return values;
}

/** Without `sentAt`, which differs when a client sends a message again. */
function withoutSentAt({ sentAt: _, ...content }: EventRecord): EventRecord {
  return content;
}

function fromFile(input: EventRecord, source: InputSource): EventRecord {
  if ('occurred_at' in input) return { ...input };
  return isExport(input) ? fromExport(input) : fromSegment(input, source);
}

const readMessage = messageReader(segmentMessage);

function fromSegment(message: EventRecord, source: InputSource): EventRecord {
  const values = readMessage(message);
  // Files are history: their times are kept.
  if (source.kind === 'file') values.occurred_at ??= message.sentAt ?? message.receivedAt;
  values.received_at = message.receivedAt;
  const others = otherFields(message, source);
  if (others !== undefined) values.context = withOthers(values.context, others);
  return values;
}

/** Fields of Segment's specification, and of its SDKs, that have no column: their place is the context. */
export const fieldsInContext = [
  ...['_metadata', 'category', 'channel', 'integrations', 'originalTimestamp', 'receivedAt', 'version'],
];

/** Undefined for most messages. */
function otherFields(message: EventRecord, source: InputSource): EventRecord | undefined {
  let others: EventRecord | undefined;
  for (const name of fieldsInContext) {
    const value = message[name];
    if (value === undefined || !hasContent(value) || isRead(name, message, source)) continue;
    others ??= {};
    others[name] = value;
  }
  // The name of an event is its `event`, else its `name`.
  if (hasValue(message.event) && hasValue(message.name) && message.event !== message.name)
    others = { ...others, name: message.name };
  return others;
}

/** Whether a column has the value already. */
function isRead(name: string, message: EventRecord, { kind }: InputSource): boolean {
  if (name === 'originalTimestamp') return !hasValue(message.timestamp);
  return name === 'receivedAt' && kind === 'file';
}

function hasContent(value: unknown): boolean {
  return hasValue(value) && !(isJsonObject(value) && Object.keys(value).length === 0) && !isEmptyArray(value);
}

/** A context that is no object stays, so that it is noted as wrong; its own values win. */
function withOthers(context: unknown, others: EventRecord): unknown {
  if (!hasValue(context) || isEmptyArray(context)) return others;
  return isJsonObject(context) ? { ...others, ...context } : context;
}

const isExport = (input: EventRecord): boolean =>
  'original_timestamp_time' in input || 'original_timestamp' in input || 'context_timezone' in input;

/** Reads a row of an analytics warehouse's table of tracks, where `context_…` and `properties_…` are separate columns. */
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
