import type { EventRecord } from '../../src/avro/avro-record.ts';
import { defineStream } from '../../src/contract.ts';
import { anyOf, between, notBefore, oneOf, required, withSeverity } from '../../src/rules.ts';

/** The columns of a flattened weather export (`weather_data.currently_…`), by our field names. */
const exported: Record<string, string> = {
  observed_at: 'date_time',
  temperature_c: 'currently_temperature',
  apparent_temperature_c: 'currently_apparenttemperature',
  humidity: 'currently_humidity',
  precip_intensity: 'currently_precipintensity',
  precip_probability: 'currently_precipprobability',
  precip_type: 'currently_preciptype',
  visibility_km: 'currently_visibility',
  wind_speed_ms: 'currently_windspeed',
  pressure_hpa: 'currently_pressure',
};

const measurements = Object.keys(exported).filter((field) => field !== 'observed_at');

export default defineStream({
  name: 'weather',
  description: 'Weather observations by city and time',
  id: ['city', 'observed_at'],
  key: (record) => `${String(record.city)}@${new Date(record.observed_at as number).toISOString()}`,
  eventTime: 'observed_at',
  topics: { raw: { cleanup: 'compact', retentionMs: -1 } },

  parse(input: EventRecord): EventRecord {
    const flattened = Object.entries(exported).filter(([, column]) => column in input);
    return { ...input, ...Object.fromEntries(flattened.map(([field, column]) => [field, input[column]])) };
  },

  nfcFields: ['city'],

  rules: [
    required('city'),
    notBefore('observed_at', '1900-01-01T00:00:00Z'),
    ...withSeverity(
      'null_out',
      between('temperature_c', -100, 70),
      between('apparent_temperature_c', -120, 90),
      between('latitude', -90, 90),
      between('longitude', -180, 180),
      between('humidity', 0, 1),
      between('precip_intensity', 0, 500),
      between('precip_probability', 0, 1),
      oneOf('precip_type', ['rain', 'snow', 'sleet', 'hail']),
      between('visibility_km', 0, 1000),
      between('wind_speed_ms', 0, 150),
      between('pressure_hpa', 300, 1200),
    ),
    // An observation without one would hide the one before it.
    { ...anyOf(...measurements), reason: 'measurements_missing' },
  ],

  lake: { raw: 'raw/weather' },

  curated: {
    table: 'curated.weather_observation',
    columns: [
      { name: 'city', field: 'city', type: 'text' },
      { name: 'observed_at', field: 'observed_at', type: 'timestamptz' },
      { name: 'latitude', field: 'latitude', type: 'double precision' },
      { name: 'longitude', field: 'longitude', type: 'double precision' },
      { name: 'temperature_c', field: 'temperature_c', type: 'double precision' },
      { name: 'apparent_temperature_c', field: 'apparent_temperature_c', type: 'double precision' },
      { name: 'humidity', field: 'humidity', type: 'double precision' },
      { name: 'precip_intensity', field: 'precip_intensity', type: 'double precision' },
      { name: 'precip_probability', field: 'precip_probability', type: 'double precision' },
      { name: 'precip_type', field: 'precip_type', type: 'text' },
      { name: 'visibility_km', field: 'visibility_km', type: 'double precision' },
      { name: 'wind_speed_ms', field: 'wind_speed_ms', type: 'double precision' },
      { name: 'pressure_hpa', field: 'pressure_hpa', type: 'double precision' },
      { name: '_quality', field: '_quality', type: 'jsonb' },
      { name: '_extra', field: '_extra', type: 'jsonb' },
    ],
    key: ['city', 'observed_at'],
    onConflict: 'replace',
  },

  otherFields: Object.values(exported),

  http: [{ path: '/v1/weather', summary: 'One observation or an array of them', body: 'messages' }],
});
