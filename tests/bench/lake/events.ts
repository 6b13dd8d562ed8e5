import type { EventRecord } from '@windrow/contracts';
import { seededRandom } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';

export const firstMs = Date.UTC(2026, 0, 15, 8);
export const hourMs = 3_600_000;
/** How much later than its turn an event may have happened. */
const disorderMs = 5_000;

const zones = [
  'Europe/Zurich',
  'America/New_York',
  'Asia/Tokyo',
  'Europe/Paris',
  'America/Bogota',
  'Africa/Nairobi',
];
export const cities = Array.from({ length: 60 }, (_, index) => ({
  name: `${['Zürich', 'Springfield', 'Lyon', 'Osaka', 'Medellín', 'Nakuru'][index % 6]} ${Math.floor(index / 6) + 1}`,
  latitude: -35 + ((index * 37) % 95) + index / 100,
  longitude: -120 + ((index * 53) % 260) + index / 100,
  timezone: must(zones[index % zones.length]),
}));
const devices = Array.from({ length: 40 }, (_, index) => {
  const isApple = index % 5 < 2;
  return {
    os_name: isApple ? 'iOS' : 'Android',
    os_version: isApple ? `${15 + (index % 4)}.${index % 7}.1` : String(10 + (index % 6)),
    device_type: isApple ? 'ios' : 'android',
    device_model: isApple ? `iPhone${12 + (index % 6)},${1 + (index % 5)}` : `SM-G99${index}B`,
    device_manufacturer: isApple ? 'Apple' : must(['samsung', 'Google', 'OnePlus'][index % 3]),
  };
});
const screens = ['Map', 'Ride', 'Wallet', 'Profile', 'Promotions'];
const names = ['Ride Started', 'Ride Ended', 'Vehicle Reserved', 'Vehicle Unlocked', 'Payment Added'].concat(
  screens.map((screen) => `${screen} Opened`),
);
const providers = ['rain', 'snow', 'sleet'];

const hex = (number: number): string => number.toString(16).padStart(8, '0');
const idOf = (a: number, b: number, c: number, d: number): string =>
  `${hex(a)}-${hex(b).slice(0, 4)}-4${hex(b).slice(5)}-a${hex(c).slice(1, 4)}-${hex(c).slice(4)}${hex(d)}`;

export interface EventsOptions {
  /** How many there will be. */
  events: number;
  /** 1: in the order of their times, within an hour. More: each in any of so many hours, all of them open at once. */
  windows: number;
}

/**
 * Enriched track events as phones of a city's scooter riders make them, about 490 bytes of Avro: ids that don't repeat, 50,000
 * devices, 60 cities, JSON in their properties, the weather of the hour. The same call makes the same events.
 */
export function eventMaker({ events, windows }: EventsOptions): (index: number) => EventRecord {
  return (index) => {
    const random = seededRandom(index);
    const of = (count: number) => Math.floor(random() * count);
    const next = () => of(2 ** 32);
    const hour = windows === 1 ? 0 : of(windows);
    const inOrderMs = (index / events) * (hourMs - disorderMs);
    const withinMs = windows === 1 ? Math.floor(inOrderMs) + of(disorderMs) : of(hourMs);
    const occurredMs = firstMs + hour * hourMs + withinMs;
    const sentMs = occurredMs + of(3_000);
    const rider = of(50_000);
    const device = must(devices[rider % devices.length]);
    const city = must(cities[rider % cities.length]);
    const isScreen = of(10) === 0;
    const version = rider % 8;
    const observedMs = firstMs + hour * hourMs;
    const weather = (rider % cities.length) * 24 + hour;
    return {
      event_id: idOf(next(), next(), next(), next()),
      type: isScreen ? 'screen' : 'track',
      event_name: isScreen ? must(screens[of(screens.length)]) : must(names[of(names.length)]),
      anonymous_id: idOf(rider, rider * 31, rider * 17, rider * 7),
      user_id: rider % 5 < 3 ? `rider-${rider * 13}` : null,
      occurred_at: occurredMs,
      sent_at: sentMs,
      received_at: sentMs + 40 + of(400),
      city: rider % 4 === 0 ? null : city.name,
      latitude: city.latitude + of(10_000) / 1e5,
      longitude: city.longitude + of(10_000) / 1e5,
      timezone: city.timezone,
      ...device,
      app_name: 'Rides',
      app_version: `5.${version}.0`,
      app_build: String(512 + version),
      properties: `{"price":${of(3_000) / 100},"currency":"CHF","vehicle":"scooter","vehicle_id":"V${of(8_000)}","battery":${of(100)},"ride_id":"${hex(next())}${hex(next())}","distance_m":${of(9_000)},"promotion":null}`,
      traits: null,
      context: null,
      weather_match: 'matched',
      weather_age_s: Math.floor((occurredMs - observedMs) / 1000),
      weather_observed_at: observedMs,
      weather_city: city.name,
      temperature_c: ((weather * 7) % 400) / 10 - 5,
      apparent_temperature_c: ((weather * 7) % 390) / 10 - 6,
      humidity: (30 + (weather % 70)) / 100,
      precip_intensity: weather % 9 === 0 ? 0.4 : 0,
      precip_probability: (weather % 100) / 100,
      precip_type: weather % 9 === 0 ? must(providers[weather % 3]) : null,
      visibility_km: 5 + (weather % 11),
      wind_speed_ms: (weather % 140) / 10,
      pressure_hpa: 990 + (weather % 40),
    };
  };
}
