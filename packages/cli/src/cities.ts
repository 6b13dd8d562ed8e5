/** A city as the weather stream has it: `name` is the observations' `city`. */
export interface City {
  name: string;
  /** Degrees north and east, of its centre. */
  latitude: number;
  longitude: number;
  /** IANA name. */
  timezone: string;
}

const city = (name: string, latitude: number, longitude: number, timezone: string): City => ({
  name,
  latitude,
  longitude,
  timezone,
});

/** Cities with rented scooters, or that could have them. The first ones lie far apart. */
export const cities: readonly City[] = [
  city('Zurich', 47.3769, 8.5417, 'Europe/Zurich'),
  city('New York', 40.7128, -74.006, 'America/New_York'),
  city('Tokyo', 35.6762, 139.6503, 'Asia/Tokyo'),
  city('Sydney', -33.8688, 151.2093, 'Australia/Sydney'),
  city('Nairobi', -1.2921, 36.8219, 'Africa/Nairobi'),
  city('Buenos Aires', -34.6037, -58.3816, 'America/Argentina/Buenos_Aires'),
  city('Oslo', 59.9139, 10.7522, 'Europe/Oslo'),
  city('Singapore', 1.3521, 103.8198, 'Asia/Singapore'),
  city('Los Angeles', 34.0522, -118.2437, 'America/Los_Angeles'),
  city('Paris', 48.8566, 2.3522, 'Europe/Paris'),
  city('Berlin', 52.52, 13.405, 'Europe/Berlin'),
  city('London', 51.5074, -0.1278, 'Europe/London'),
  city('Madrid', 40.4168, -3.7038, 'Europe/Madrid'),
  city('Barcelona', 41.3874, 2.1686, 'Europe/Madrid'),
  city('Lisbon', 38.7223, -9.1393, 'Europe/Lisbon'),
  city('Rome', 41.9028, 12.4964, 'Europe/Rome'),
  city('Milan', 45.4642, 9.19, 'Europe/Rome'),
  city('Vienna', 48.2082, 16.3738, 'Europe/Vienna'),
  city('Prague', 50.0755, 14.4378, 'Europe/Prague'),
  city('Warsaw', 52.2297, 21.0122, 'Europe/Warsaw'),
  city('Budapest', 47.4979, 19.0402, 'Europe/Budapest'),
  city('Athens', 37.9838, 23.7275, 'Europe/Athens'),
  city('Stockholm', 59.3293, 18.0686, 'Europe/Stockholm'),
  city('Copenhagen', 55.6761, 12.5683, 'Europe/Copenhagen'),
  city('Helsinki', 60.1699, 24.9384, 'Europe/Helsinki'),
  city('Tallinn', 59.437, 24.7536, 'Europe/Tallinn'),
  city('Brussels', 50.8503, 4.3517, 'Europe/Brussels'),
  city('Amsterdam', 52.3676, 4.9041, 'Europe/Amsterdam'),
  city('Munich', 48.1351, 11.582, 'Europe/Berlin'),
  city('Hamburg', 53.5511, 9.9937, 'Europe/Berlin'),
  city('Dublin', 53.3498, -6.2603, 'Europe/Dublin'),
  city('Reykjavik', 64.1466, -21.9426, 'Atlantic/Reykjavik'),
  city('Bucharest', 44.4268, 26.1025, 'Europe/Bucharest'),
  city('Istanbul', 41.0082, 28.9784, 'Europe/Istanbul'),
  city('Tel Aviv', 32.0853, 34.7818, 'Asia/Jerusalem'),
  city('Dubai', 25.2048, 55.2708, 'Asia/Dubai'),
  city('Cairo', 30.0444, 31.2357, 'Africa/Cairo'),
  city('Lagos', 6.5244, 3.3792, 'Africa/Lagos'),
  city('Cape Town', -33.9249, 18.4241, 'Africa/Johannesburg'),
  city('Mumbai', 19.076, 72.8777, 'Asia/Kolkata'),
  city('Bengaluru', 12.9716, 77.5946, 'Asia/Kolkata'),
  city('Bangkok', 13.7563, 100.5018, 'Asia/Bangkok'),
  city('Hong Kong', 22.3193, 114.1694, 'Asia/Hong_Kong'),
  city('Taipei', 25.033, 121.5654, 'Asia/Taipei'),
  city('Seoul', 37.5665, 126.978, 'Asia/Seoul'),
  city('Osaka', 34.6937, 135.5023, 'Asia/Tokyo'),
  city('Melbourne', -37.8136, 144.9631, 'Australia/Melbourne'),
  city('Brisbane', -27.4698, 153.0251, 'Australia/Brisbane'),
  city('Auckland', -36.8509, 174.7645, 'Pacific/Auckland'),
  city('San Francisco', 37.7749, -122.4194, 'America/Los_Angeles'),
  city('Seattle', 47.6062, -122.3321, 'America/Los_Angeles'),
  city('Denver', 39.7392, -104.9903, 'America/Denver'),
  city('Austin', 30.2672, -97.7431, 'America/Chicago'),
  city('Chicago', 41.8781, -87.6298, 'America/Chicago'),
  city('Washington', 38.9072, -77.0369, 'America/New_York'),
  city('Boston', 42.3601, -71.0589, 'America/New_York'),
  city('Toronto', 43.6532, -79.3832, 'America/Toronto'),
  city('Montreal', 45.5017, -73.5673, 'America/Toronto'),
  city('Mexico City', 19.4326, -99.1332, 'America/Mexico_City'),
  city('Bogota', 4.711, -74.0721, 'America/Bogota'),
  city('Santiago', -33.4489, -70.6693, 'America/Santiago'),
  city('Sao Paulo', -23.5505, -46.6333, 'America/Sao_Paulo'),
];
