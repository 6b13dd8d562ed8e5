import type { City } from '../cities.ts';
import type { Random } from './random.ts';

/** A record of the weather stream. */
export interface Observation {
  city: string;
  latitude: number;
  longitude: number;
  /** Epoch milliseconds. */
  observed_at: number;
  temperature_c: number;
  apparent_temperature_c: number;
  humidity: number;
  /** Millimetres per hour. */
  precip_intensity: number;
  precip_probability: null;
  precip_type: 'rain' | 'sleet' | 'snow' | null;
  visibility_km: number;
  wind_speed_ms: number;
  pressure_hpa: number;
}

export const observationEveryMs = 5 * 60_000;
const dayMs = 86_400_000;

/** A mean-reverting random walk with small steps. Its mean is 0 and its standard deviation 1. */
class Walk {
  readonly #random: Random;
  #value: number;

  constructor(random: Random) {
    this.#random = random;
    this.#value = random.normal();
  }

  next(): number {
    const kept = 0.98;
    this.#value = kept * this.#value + Math.sqrt(1 - kept ** 2) * this.#random.normal();
    return this.#value;
  }
}

/** The weather of a city: typical values for its latitude, season and hour, varied by random walks. */
export class CityWeather {
  readonly #city: City;
  readonly #warmth: Walk;
  readonly #wetness: Walk;
  readonly #wind: Walk;

  constructor(city: City, random: Random) {
    this.#city = city;
    this.#warmth = new Walk(random);
    this.#wetness = new Walk(random);
    this.#wind = new Walk(random);
  }

  /** The next observation. Call it once every {@link observationEveryMs}. */
  observe(atMs: number): Observation {
    const { name, latitude, longitude } = this.#city;
    const temperature = this.#usualTemperature(atMs) + 3 * this.#warmth.next();
    const wetness = this.#wetness.next();
    const rain = Math.max(0, 4 * (wetness - 0.8));
    const wind = Math.max(0, 3.5 + 2 * this.#wind.next());
    const humidity = Math.min(1, Math.max(0.2, 0.6 + 0.15 * wetness));
    return {
      city: name,
      latitude,
      longitude,
      observed_at: atMs,
      temperature_c: round(temperature),
      apparent_temperature_c: round(apparent(temperature, humidity, wind)),
      humidity: round(humidity, 100),
      precip_intensity: round(rain),
      precip_probability: null,
      precip_type: round(rain) === 0 ? null : temperature < 0 ? 'snow' : temperature < 2 ? 'sleet' : 'rain',
      visibility_km: round(Math.max(1, 16 - 3 * rain)),
      wind_speed_ms: round(wind),
      pressure_hpa: round(1_014 - 7 * wetness),
    };
  }

  /** A rough fit, in degrees Celsius: colder towards the poles, in winter and at night. */
  #usualTemperature(atMs: number): number {
    const { latitude, longitude } = this.#city;
    const turn = (share: number) => Math.cos(2 * Math.PI * share);
    const yearShare = (atMs / dayMs - 14) / 365.2425;
    const dayShare = atMs / dayMs + longitude / 360 - 15 / 24;
    return 28 - 0.0075 * latitude ** 2 - 0.22 * latitude * turn(yearShare) + 4 * turn(dayShare);
  }
}

/** R. G. Steadman's apparent temperature, as the Australian Bureau of Meteorology uses it (without radiation). */
function apparent(temperatureC: number, humidity: number, windMs: number): number {
  const vapourHpa = humidity * 6.105 * Math.exp((17.27 * temperatureC) / (237.7 + temperatureC));
  return temperatureC + 0.33 * vapourHpa - 0.7 * windMs - 4;
}

function round(value: number, per = 10): number {
  // Adding 0 turns -0 into 0, because their bytes differ.
  return Math.round(value * per) / per + 0;
}
