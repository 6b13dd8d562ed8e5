import { z } from '@windrow/runtime';
import type { Observation, PrecipType, WeatherAdapter } from './adapter.ts';

const variables = [
  'temperature_2m',
  'relative_humidity_2m',
  'apparent_temperature',
  'precipitation',
  'rain',
  'showers',
  'snowfall',
  'weather_code',
  'pressure_msl',
  'visibility',
  'wind_speed_10m',
] as const;

const measured = z.number().nullish();

/**
 * The fields of a response that are used. A variable that the place's weather model lacks is null. `precipitation`
 * (millimetres), like rain, showers and snowfall (centimetres), is the sum over the last `interval` seconds.
 */
const responseSchema = z.object({
  current: z.object({
    time: z.number().int(),
    interval: z.number().positive(),
    temperature_2m: z.number(),
    relative_humidity_2m: measured,
    apparent_temperature: measured,
    precipitation: measured,
    rain: measured,
    showers: measured,
    snowfall: measured,
    weather_code: measured,
    pressure_msl: measured,
    visibility: measured,
    wind_speed_10m: measured,
  }),
});

type Current = z.infer<typeof responseSchema>['current'];

/** Thunderstorms with hail (WMO code table 4677, as Open-Meteo's documentation lists it). */
const hailCodes = new Set([96, 99]);

/** The forecast API's `current` (https://open-meteo.com/en/docs). It needs no key and is free for non-commercial use. */
export function openMeteo(baseUrl = 'https://api.open-meteo.com'): WeatherAdapter {
  return {
    name: 'open-meteo',
    secret: undefined,
    address({ latitude, longitude }) {
      const address = new URL('/v1/forecast', baseUrl);
      address.search = new URLSearchParams({
        latitude: String(latitude),
        longitude: String(longitude),
        current: variables.join(','),
        wind_speed_unit: 'ms',
        timeformat: 'unixtime',
      }).toString();
      return address;
    },
    observation(response, place): Observation {
      const { current } = responseSchema.parse(response);
      const { precipitation, relative_humidity_2m: humidity, visibility } = current;
      return {
        ...place,
        observed_at: new Date(current.time * 1_000).toISOString(),
        temperature_c: current.temperature_2m,
        apparent_temperature_c: current.apparent_temperature ?? undefined,
        humidity: humidity == null ? undefined : humidity / 100,
        precip_intensity: precipitation == null ? undefined : (precipitation * 3_600) / current.interval,
        precip_type: precipType(current),
        visibility_km: visibility == null ? undefined : visibility / 1_000,
        wind_speed_ms: current.wind_speed_10m ?? undefined,
        pressure_hpa: current.pressure_msl ?? undefined,
      };
    },
  };
}

function precipType({
  precipitation,
  rain,
  showers,
  snowfall,
  weather_code,
}: Current): PrecipType | undefined {
  if (!precipitation) return undefined;
  if (hailCodes.has(weather_code ?? 0)) return 'hail';
  const liquid = (rain ?? 0) + (showers ?? 0);
  if (!snowfall) return 'rain';
  return liquid > 0 ? 'sleet' : 'snow';
}
