/** A place to observe. `city` becomes the observation's city, regardless of the provider's name for it. */
export interface Place {
  city: string;
  /** Degrees north and east. */
  latitude: number;
  longitude: number;
}

/** An observation as `POST /v1/weather` accepts it, in the units of the weather stream's schema. */
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

/** A provider's API for the current weather. */
export interface WeatherAdapter {
  name: string;
  /** The URL for a place. It may contain a secret, so it is never printed. */
  address(place: Place): URL;
  /** Masked in messages, because a response may repeat it. */
  secret: string | undefined;
  /**
   * Converts the parsed JSON of a 200 response.
   * @throws an error that names the missing field
   */
  observation(response: unknown, place: Place): Observation;
}
