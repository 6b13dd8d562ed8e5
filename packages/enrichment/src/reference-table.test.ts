import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReferenceTable, type TableRow } from './reference-table.ts';

const rowOf = (values: Partial<TableRow>): TableRow => ({
  ...{ series: 'Zurich', timeMs: 0, values: [], latitude: null, longitude: null },
  ...values,
});

const change = fc.record({
  key: fc.nat(30),
  deleted: fc.boolean(),
  series: fc.constantFrom('a', 'b', 'c'),
  timeMs: fc.nat(50),
  place: fc.option(
    fc.record({
      latitude: fc.integer({ min: -80, max: 80 }),
      longitude: fc.integer({ min: -170, max: 170 }),
    }),
  ),
});

test('it answers as a search through all rows would, after any changes', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const table = new ReferenceTable();
      const naive = new Map<string, TableRow>();
      for (const { key, deleted, series, timeMs, place } of changes) {
        const name = String(key);
        naive.delete(name);
        if (deleted) {
          table.delete(name);
        } else {
          const row = rowOf({ series, timeMs, ...place });
          table.put(name, row);
          naive.set(name, row);
        }
        expect(table.size).toBe(naive.size);
        // Ask in between: indexes that were made for an answer have to follow later changes.
        expect(nearestOf([...naive.values()], 10, 10, 8_000)).toContain(table.nearest(10, 10, 8_000));
      }
      for (const series of ['a', 'b', 'c', 'none']) {
        for (let timeMs = -1; timeMs <= 51; timeMs++) {
          const rows = [...naive.values()].filter((row) => row.series === series && row.timeMs <= timeMs);
          const newest = rows.reduce<TableRow | null>(
            (best, row) => (best === null || row.timeMs >= best.timeMs ? row : best),
            null,
          );
          expect(table.asOf(series, timeMs)).toBe(newest);
        }
      }
    }),
    { numRuns: 100 },
  );
});

/** By each series' newest row with coordinates; several where they are as near, and null where there is none. */
function nearestOf(
  rows: TableRow[],
  latitude: number,
  longitude: number,
  withinKm: number,
): (string | null)[] {
  const places = new Map<string, TableRow>();
  for (const row of rows) {
    const known = places.get(row.series);
    if (row.latitude !== null && (known === undefined || row.timeMs >= known.timeMs))
      places.set(row.series, row);
  }
  const distances = [...places.values()]
    .map((row) => ({
      series: row.series,
      km: distanceKm(latitude, longitude, row.latitude as number, row.longitude as number),
    }))
    .filter(({ km }) => km <= withinKm);
  const nearestKm = Math.min(...distances.map(({ km }) => km));
  const nearest = distances.filter(({ km }) => km < nearestKm + 1e-6);
  return nearest.length > 0 ? nearest.map(({ series }) => series) : [null];
}

/** Haversine formula, on a sphere of 6371 km. */
function distanceKm(
  latitude: number,
  longitude: number,
  otherLatitude: number,
  otherLongitude: number,
): number {
  const rad = Math.PI / 180;
  const [dLat, dLon] = [(otherLatitude - latitude) * rad, (otherLongitude - longitude) * rad];
  const a =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(latitude * rad) * Math.cos(otherLatitude * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * 6371 * Math.asin(Math.sqrt(a));
}

test('nearest: across the date line, at the pole, and nothing beyond the distance', () => {
  const table = new ReferenceTable();
  expect(table.nearest(0, 0, 20_000)).toBeNull();
  table.put('fiji', rowOf({ series: 'Fiji', latitude: -17, longitude: 179.9 }));
  table.put('pole', rowOf({ series: 'Pole', latitude: 89.9, longitude: 0 }));
  expect(table.nearest(-17, -179.9, 50)).toBe('Fiji');
  expect(table.nearest(89.9, 180, 50)).toBe('Pole');
  expect(table.nearest(-17, 179, 50)).toBeNull();
});

test('a series that moves is found at its newest place', () => {
  const table = new ReferenceTable();
  table.put('1', rowOf({ series: 'Ship', timeMs: 1, latitude: 10, longitude: 10 }));
  expect(table.nearest(10, 10, 5)).toBe('Ship');
  table.put('2', rowOf({ series: 'Ship', timeMs: 2, latitude: 20, longitude: 20 }));
  table.put('0', rowOf({ series: 'Ship', timeMs: 0, latitude: 30, longitude: 30 }));
  expect(table.nearest(10, 10, 5)).toBeNull();
  expect(table.nearest(20, 20, 5)).toBe('Ship');
  table.delete('2');
  expect(table.nearest(10, 10, 5)).toBe('Ship');
});
