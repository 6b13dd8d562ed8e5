import { z } from '@windrow/runtime';
import type { Observation, PrecipType, WeatherAdapter } from './adapter.ts';

const lastHour = z.object({ '1h': z.number() }).partial().optional();

/** The fields of a response that are used. `rain` and `snow` are in millimetres per hour, and absent if none falls. */
const responseSchema = z.object({
  dt: z.number().int(),
  main: z.object({
    temp: z.number(),
    feels_like: z.number().optional(),
    pressure: z.number().optional(),
    /** Per cent. */
    humidity: z.number().optional(),
  }),
  /** Metres, 10,000 at most. */
  visibility: z.number().optional(),
  wind: z.object({ speed: z.number() }).optional(),
  rain: lastHour,
  snow: lastHour,
  weather: z.array(z.object({ id: z.number() })),
});

type Response = z.infer<typeof responseSchema>;

/** The current weather of a place (https://openweathermap.org/current). It needs a key (`OPENWEATHER_API_KEY`). */
export function openWeather(apiKey: string, baseUrl = 'https://api.openweathermap.org'): WeatherAdapter {
  return {
    name: 'openweather',
    secret: apiKey,
    address({ latitude, longitude }) {
      const address = new URL('/data/2.5/weather', baseUrl);
      address.search = new URLSearchParams({
        lat: String(latitude),
        lon: String(longitude),
        units: 'metric',
        appid: apiKey,
      }).toString();
      return address;
    },
    observation(response, place): Observation {
      const parsed = responseSchema.parse(response);
      const { main, visibility, wind, rain, snow } = parsed;
      return {
        ...place,
        observed_at: new Date(parsed.dt * 1_000).toISOString(),
        temperature_c: main.temp,
        apparent_temperature_c: main.feels_like,
        humidity: main.humidity === undefined ? undefined : main.humidity / 100,
        precip_intensity: (rain?.['1h'] ?? 0) + (snow?.['1h'] ?? 0),
        precip_type: precipType(parsed),
        visibility_km: visibility === undefined ? undefined : visibility / 1_000,
        wind_speed_ms: wind?.speed,
        pressure_hpa: main.pressure,
      };
    },
  };
}

/** By the groups of https://openweathermap.org/weather-conditions: 2xx thunderstorm, 3xx drizzle, 5xx rain, 6xx snow. */
function precipType({ weather, rain, snow }: Response): PrecipType | undefined {
  const ids = weather.map(({ id }) => id);
  // Sleet (611 to 613), and rain and snow together (615, 616).
  if (ids.some((id) => id >= 611 && id <= 616)) return 'sleet';
  if (snow !== undefined || ids.some((id) => id >= 600 && id < 700)) return 'snow';
  if (rain !== undefined || ids.some((id) => id >= 300 && id < 600)) return 'rain';
  return undefined;
}
