/** Where the weather is asked for; `city` becomes the observation's city, whatever the provider calls it. */
export interface Place {
  city: string;
  /** Degrees north and east. */
  latitude: number;
  longitude: number;
}

/** An observation as `POST /v1/weather` takes it; units are those of the weather stream's schema. */
export interface Observation extends Place {
  /** ISO 8601, UTC. */
  observed_at: string;
  temperature_c: number;
  apparent_temperature_c?: number;
  /** 0 to 1. */
  humidity?: number;
  /** Millimetres per hour. */
  precip_intensity?: number;
  precip_type?: PrecipType;
  visibility_km?: number;
  wind_speed_ms?: number;
  /** At sea level. */
  pressure_hpa?: number;
}

export type PrecipType = 'rain' | 'snow' | 'sleet' | 'hail';

/** How a provider is asked for the current weather, and what its answer means. */
export interface WeatherAdapter {
  name: string;
  /** The address for a place; it may hold a secret and is never printed. */
  address(place: Place): URL;
  /** What may not be printed, should an answer repeat it. */
  secret: string | undefined;
  /** The parsed JSON of a 200. Throws an Error that says what is missing in it. */
  observation(answer: unknown, place: Place): Observation;
}
