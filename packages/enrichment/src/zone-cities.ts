import timezones from 'cldr-bcp47/bcp47/timezone.json' with { type: 'json' };

/** Zones without a city: offsets, and old names (https://data.iana.org/time-zones/tz-link.html). */
const placeless = /^(Etc|SystemV)\//i;

/** The city of an IANA time zone: the last part of its name. */
export function cityOf(zone: string): string | null {
  if (!zone.includes('/') || placeless.test(zone)) return null;
  const city = zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ');
  return city.trim() === '' ? null : city;
}

/** Zone in lower case → its city, and the cities after which CLDR and IANA name the zone. */
const known = new Map<string, readonly string[]>();
for (const entry of Object.values<unknown>(timezones.keyword.u.tz)) {
  const { _alias: names = '', _iana: newName } = entry as { _alias?: string; _iana?: string };
  const [firstName = '', ...others] = names.split(' ');
  for (const zone of [firstName, ...others]) {
    const cities = [zone, newName ?? firstName, firstName].flatMap((name) => cityOf(name) ?? []);
    known.set(zone.toLowerCase(), [...new Set(cities)]);
  }
}

/** The city of the zone, then its city by other names of the same zone. The data is Unicode's CLDR, which joins no countries. */
export function citiesOf(zone: string): readonly string[] {
  return known.get(zone.toLowerCase()) ?? [cityOf(zone)].flatMap((city) => city ?? []);
}
