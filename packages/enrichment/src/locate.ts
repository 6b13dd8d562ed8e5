import { type AsOfJoin, type EventRecord, foldedName, type Locator } from '@windrow/contracts';
import type { ReferenceTable } from './reference-table.ts';
import { citiesOf } from './zone-cities.ts';

/** Finds the series of an event; null if nothing tells its place. A place that the table lacks is returned as the event has it. */
export type Locate = (record: EventRecord) => string | null;

interface Place {
  /** The series of the table; null if there is none. */
  find(record: EventRecord): string | null;
  /** The name that the event has for it. */
  name(record: EventRecord): string | null;
}

/** Tries the locators of a join in their order, until one finds a series of the table. */
export function locateBy(join: AsOfJoin, table: ReferenceTable): Locate {
  const named = seriesFinder(join, table);
  const places = join.locate.map((locator) => compiled(locator, table, named));
  return (record) => {
    for (const place of places) {
      const series = place.find(record);
      if (series !== null) return series;
    }
    for (const place of places) {
      const name = place.name(record);
      if (name !== null) return name;
    }
    return null;
  };
}

/** Finds the series with this name or alias. */
function seriesFinder(
  { aliases = {} }: AsOfJoin,
  table: ReferenceTable,
): (name: string | null) => string | null {
  const known = new Map(
    Object.entries(aliases).flatMap(([series, names]) => names.map((name) => [foldedName(name), series])),
  );
  return (name) => {
    if (name === null) return null;
    const found = table.seriesNamed(name);
    if (found !== null || known.size === 0) return found;
    const series = known.get(foldedName(name));
    return series === undefined ? null : table.seriesNamed(series);
  };
}

function compiled(
  locator: Locator,
  table: ReferenceTable,
  named: (name: string | null) => string | null,
): Place {
  switch (locator.by) {
    case 'field':
      return {
        find: (record) => named(text(record[locator.field])),
        name: (record) => text(record[locator.field]),
      };
    case 'coordinates':
      return {
        find(record) {
          const [latitude, longitude] = [record[locator.latitude], record[locator.longitude]];
          return typeof latitude === 'number' && typeof longitude === 'number'
            ? table.nearest(latitude, longitude, locator.withinKm)
            : null;
        },
        name: () => null,
      };
    case 'timezone':
      return {
        find(record) {
          for (const city of zoneCities(record[locator.field])) {
            const series = named(city);
            if (series !== null) return series;
          }
          return null;
        },
        name: (record) => zoneCities(record[locator.field])[0] ?? null,
      };
  }
}

/** A number is the text that the table has for it, too. */
const text = (value: unknown): string | null => {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value : null;
};

const nowhere: readonly string[] = [];
const zoneCities = (zone: unknown): readonly string[] =>
  typeof zone === 'string' ? citiesOf(zone.trim()) : nowhere;
