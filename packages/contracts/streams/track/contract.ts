import { type CuratedMapping, defineStream, type HttpRoute, windowMs } from '../../src/contract.ts';
import { anyOf, between, notAhead, notBefore, oneOf, required, withSeverity } from '../../src/rules.ts';
import { segmentMessage } from './message.ts';
import { fieldsInContext, parseTrack } from './parse.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The measurements of the weather that are copied into track events. */
const measurements = [
  'temperature_c',
  'apparent_temperature_c',
  'humidity',
  'precip_intensity',
  'precip_probability',
  'precip_type',
  'visibility_km',
  'wind_speed_ms',
  'pressure_hpa',
];

const texts = (...fields: string[]): CuratedMapping['columns'] =>
  fields.map((field) => ({ name: field, field, type: 'text' }));
const times = (...fields: string[]): CuratedMapping['columns'] =>
  fields.map((field) => ({ name: field, field, type: 'timestamptz' }));
const numbers = (...fields: string[]): CuratedMapping['columns'] =>
  fields.map((field) => ({ name: field, field, type: 'double precision' }));

/** The calls of Segment's API. Their first letters are paths too, which the browser's SDK uses. */
const calls = ['track', 'page', 'screen', 'identify', 'group', 'alias'];

/** https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ */
const http: HttpRoute[] = [
  ...calls.flatMap((type): HttpRoute[] => [
    { path: `/v1/${type}`, summary: `One ${type} message`, body: 'message', sets: { type } },
    {
      path: `/v1/${type[0]}`,
      summary: `One ${type} message, as browsers send it`,
      body: 'message',
      sets: { type },
    },
  ]),
  { path: '/v1/batch', summary: 'Messages of any type', body: 'batch' },
  { path: '/v1/import', summary: 'Messages of any type: another name of /v1/batch', body: 'batch' },
  { path: '/v1/b', summary: 'Messages of any type, as browsers and phones send them', body: 'batch' },
];

export default defineStream({
  name: 'track',
  description: 'What users did: messages of the Segment specification',
  id: ['event_id'],
  key: (record) => String(record.user_id ?? record.anonymous_id ?? record.event_id),
  eventTime: 'occurred_at',
  receivedTime: 'received_at',
  sentTime: 'sent_at',
  clock: { maxErrorMs: dayMs },
  topics: {
    raw: { cleanup: 'delete', retentionMs: 7 * dayMs },
    enriched: { cleanup: 'delete', retentionMs: 7 * dayMs },
  },
  parse: parseTrack,
  jsonFields: ['properties', 'traits', 'context'],
  nfcFields: ['city'],

  rules: [
    required('event_id'),
    oneOf('type', calls),
    required('event_name', { field: 'type', is: 'track' }),
    anyOf('user_id', 'anonymous_id'),
    notBefore('occurred_at', '2000-01-01T00:00:00Z'),
    notAhead('occurred_at', 'received_at', 5 * 60_000),
    ...withSeverity('null_out', between('latitude', -90, 90), between('longitude', -180, 180)),
  ],
  // They say whose event it is, and decide its partition.
  severities: { user_id: 'reject', anonymous_id: 'reject' },
  dedupe: { horizonMs: dayMs },

  steps: [
    {
      kind: 'asOfJoin',
      table: 'weather',
      series: 'city',
      coordinates: { latitude: 'latitude', longitude: 'longitude' },
      locate: [
        { by: 'field', field: 'city' },
        { by: 'coordinates', latitude: 'latitude', longitude: 'longitude', withinKm: 50 },
        { by: 'timezone', field: 'timezone' },
      ],
      maxAgeMs: 2 * hourMs,
      prefix: 'weather',
      fields: measurements,
    },
  ],

  lake: { raw: 'raw/track', curated: 'curated/track' },

  curated: {
    table: 'curated.track_event',
    columns: [
      ...texts('event_id', 'type', 'event_name', 'anonymous_id', 'user_id'),
      ...times('occurred_at', 'received_at'),
      ...texts('city', 'timezone', 'os_name', 'device_type', 'app_version'),
      ...numbers('latitude', 'longitude'),
      { name: 'properties', field: 'properties', type: 'jsonb' },
      ...texts('weather_match', 'weather_city'),
      { name: 'weather_age_s', field: 'weather_age_s', type: 'bigint' },
      ...times('weather_observed_at'),
      ...numbers(...measurements.filter((field) => field !== 'precip_type')),
      ...texts('precip_type', 'group_id', 'previous_id'),
      { name: '_quality', field: '_quality', type: 'jsonb' },
      { name: '_extra', field: '_extra', type: 'jsonb' },
    ],
    key: ['event_id', 'occurred_at'],
    onConflict: 'ignore',
    partitionByDay: 'occurred_at',
    aggregates: [
      {
        table: 'curated.city_window',
        spanMs: windowMs,
        groupBy: {
          window_start: "date_bin('10 minutes', occurred_at, timestamptz '1970-01-01 00:00:00+00')",
          city: "coalesce(weather_city, city, '')",
          event_name: "coalesce(event_name, '')",
        },
        sums: {
          events: 'count(*)',
          matched_events: "count(*) filter (where weather_match = 'matched')",
          wet_events: 'count(*) filter (where precip_type is not null)',
          temperature_c_sum: 'coalesce(sum(temperature_c), 0)',
          temperature_c_count: 'count(temperature_c)',
        },
      },
    ],
  },

  http,
  message: segmentMessage,
  otherFields: fieldsInContext,
});
