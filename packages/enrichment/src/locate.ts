import type { AsOfJoin, EventRecord, Locator } from '@windrow/contracts';
import type { ReferenceTable } from './reference-table.ts';

/** Finds the series of an event; null if there is none. */
export type Locate = (record: EventRecord) => string | null;

/** Tries the locators of a join in their order, until one finds a series. */
export function locateBy(join: AsOfJoin, table: ReferenceTable): Locate {
  const locators = join.locate.map((locator) => compiled(locator, table));
  return (record) => {
    for (const locate of locators) {
      const series = locate(record);
      if (series !== null) return series;
    }
    return null;
  };
}

function compiled(locator: Locator, table: ReferenceTable): Locate {
  switch (locator.by) {
    case 'field':
      return (record) => text(record[locator.field]);
    case 'coordinates':
      return (record) => {
        const [latitude, longitude] = [record[locator.latitude], record[locator.longitude]];
        return typeof latitude === 'number' && typeof longitude === 'number'
          ? table.nearest(latitude, longitude, locator.withinKm)
          : null;
      };
    case 'timezone':
      return (record) => cityOf(text(record[locator.field]));
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Zones without a city: offsets, and old names (https://data.iana.org/time-zones/tz-link.html). */
const placeless = /^(Etc|SystemV)\//;

/** The city of an IANA time zone: the last part of its name. */
export function cityOf(zone: string | null): string | null {
  if (zone === null || !zone.includes('/') || placeless.test(zone)) return null;
  return text(zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' '));
}
