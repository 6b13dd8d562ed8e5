import { type AsOfJoin, loadStreams, type StreamContract, streamNamed } from '@windrow/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asOfJoin } from './as-of-join.ts';
import { joinsOf } from './enrichment.ts';
import { locateBy } from './locate.ts';
import { ReferenceTable, rowMaker } from './reference-table.ts';
import { cityOf } from './zone-cities.ts';

const contracts = await loadStreams();
const [track, weather] = [streamNamed(contracts, 'track'), streamNamed(contracts, 'weather')];
const join = onlyJoin(track);
const hourMs = 3_600_000;
const startMs = Date.parse('2024-05-01T12:00:00Z');
const zurich = { city: 'Zurich', latitude: 47.37, longitude: 8.54 };

function onlyJoin(contract: StreamContract): AsOfJoin {
  const [first, ...others] = joinsOf(contract);
  if (first === undefined || others.length > 0) throw new Error(`${contract.name} has not one join`);
  return first;
}

function joined(rows: Record<string, unknown>[]) {
  const table = new ReferenceTable();
  const toRow = rowMaker(join, weather);
  for (const row of rows) table.put(weather.key(row), toRow(row));
  return { table, run: asOfJoin(join, track, weather, table) };
}

test('matched, stale, missing and no_location, at the edges of each', () => {
  const { run } = joined([{ ...zurich, observed_at: startMs, temperature_c: 20, precip_type: 'rain' }]);
  const at = (afterMs: number, city: string | null = 'Zurich') => {
    const record: Record<string, unknown> = { city, occurred_at: startMs + afterMs };
    run(record);
    return record;
  };
  const matched = { weather_match: 'matched', weather_observed_at: startMs, weather_city: 'Zurich' };
  const values = { temperature_c: 20, precip_type: 'rain', humidity: null };
  expect(at(0)).toMatchObject({ ...matched, ...values, weather_age_s: 0 });
  expect(at(1_999)).toMatchObject({ ...matched, weather_age_s: 1 });
  expect(at(2 * hourMs)).toMatchObject({ ...matched, ...values, weather_age_s: 7_200 });
  const nothing = { temperature_c: null, precip_type: null };
  expect(at(2 * hourMs + 1)).toMatchObject({
    ...nothing,
    ...{ weather_match: 'stale', weather_age_s: 7_200, weather_observed_at: startMs, weather_city: 'Zurich' },
  });
  const unknown = { ...nothing, weather_age_s: null, weather_observed_at: null };
  expect(at(-1)).toMatchObject({ ...unknown, weather_match: 'missing', weather_city: 'Zurich' });
  expect(at(0, 'Basel')).toMatchObject({ ...unknown, weather_match: 'missing', weather_city: 'Basel' });
  expect(at(0, null)).toMatchObject({ ...unknown, weather_match: 'no_location', weather_city: null });
});

test('a series may be named by a long of any size, and times beyond 2^53 are only late', () => {
  const byDevice: AsOfJoin = { ...join, series: 'device', locate: [{ by: 'field', field: 'device' }] };
  const table = new ReferenceTable();
  const toRow = rowMaker(byDevice, weather);
  const near = 2n ** 53n;
  for (const [device, temperature_c] of [
    [near, 1],
    [near + 1n, 2],
    [7, 3],
  ] as const)
    table.put(String(device), toRow({ device, observed_at: startMs, temperature_c }));
  const run = asOfJoin(byDevice, track, weather, table);
  const at = (device: unknown, occurred_at: unknown = startMs) => {
    const record: Record<string, unknown> = { device, occurred_at };
    expect(run(record).kind).toBe('ok');
    return record;
  };
  expect([near, near + 1n, 7].map((device) => at(device).temperature_c)).toEqual([1, 2, 3]);
  expect(at(near, 2n ** 62n)).toMatchObject({ weather_match: 'stale', weather_device: `${near}` });
  // A row of the far future hides no row before it.
  table.put('far', toRow({ device: 7, observed_at: 2n ** 62n, temperature_c: 4 }));
  expect(at(7).temperature_c).toBe(3);
});

test('every event gets the newest observation of its city that is not after it', () => {
  const times = fc.uniqueArray(fc.nat(100), { maxLength: 40 });
  fc.assert(
    fc.property(times, fc.nat(120), (observed, occurred) => {
      const minuteMs = 60_000 * 10;
      const { run } = joined(
        observed.map((minute) => ({
          city: 'Zurich',
          observed_at: startMs + minute * minuteMs,
          temperature_c: minute,
        })),
      );
      const record: Record<string, unknown> = { city: 'Zurich', occurred_at: startMs + occurred * minuteMs };
      const newest = Math.max(...observed.filter((minute) => minute <= occurred));
      const age = occurred - newest;
      const match = Number.isFinite(age) ? (age * minuteMs <= 2 * hourMs ? 'matched' : 'stale') : 'missing';
      run(record);
      expect(record.weather_match).toBe(match);
      expect(record.temperature_c).toBe(match === 'matched' ? newest : null);
    }),
  );
});

test('the place: city, else the nearest station within 50 km, else the zone’s city', () => {
  const { table } = joined([{ ...zurich, observed_at: startMs, temperature_c: 20 }]);
  const locate = locateBy(join, table);
  const near = { latitude: 47.5, longitude: 8.7 };
  const far = { latitude: 46.2, longitude: 6.15 };
  const timezone = 'America/New_York';
  // A place that the table lacks leaves the choice to the next locator.
  expect(locate({ city: 'Basel', ...near, timezone })).toBe('Zurich');
  expect(locate({ city: 'Basel', ...far, timezone: 'Europe/Zurich' })).toBe('Zurich');
  expect(locate({ city: 'Basel', ...far, timezone })).toBe('Basel');
  expect(locate({ city: '', ...near, timezone })).toBe('Zurich');
  expect(locate({ city: null, ...far, timezone })).toBe('New York');
  expect(locate({ city: null, latitude: 47.5, longitude: null, timezone })).toBe('New York');
  expect(locate({ city: null, ...far, timezone: null })).toBeNull();
});

test('names differ in case, spaces and the form of characters, and series have aliases', () => {
  const rows = [
    { city: 'Zürich', temperature_c: 1 },
    { city: 'ZU\u0308RICH ', temperature_c: 2 },
    { city: 'Gießen', temperature_c: 3 },
    { city: 'New York', temperature_c: 4 },
  ].map((row, minute) => ({ ...row, observed_at: startMs + minute * 60_000 }));
  const { table, run } = joined(rows);
  const found = (city: string) => {
    const record: Record<string, unknown> = { city, occurred_at: startMs + hourMs };
    run(record);
    return [record.weather_match, record.temperature_c, record.weather_city];
  };
  for (const city of ['Zürich', 'zürich', ' ZÜRICH', 'Zu\u0308rich', 'ZU\u0308RICH '])
    expect(found(city), city).toEqual(['matched', 2, 'ZU\u0308RICH ']);
  expect(found('GIESSEN')).toEqual(['matched', 3, 'Gießen']);
  expect(found('new  york')).toEqual(['matched', 4, 'New York']);
  expect(found('Zurich')).toEqual(['missing', null, 'Zurich']);
  expect(found(' ')).toEqual(['no_location', null, null]);
  const withAliases = { ...join, aliases: { zürich: ['Zurich', 'ZRH'], Oslo: ['Kristiania'] } };
  const locate = locateBy(withAliases, table);
  expect(locate({ city: 'zrh' })).toBe('Zürich');
  expect(locate({ city: null, timezone: 'Europe/Zurich' })).toBe('Zürich');
  expect(locate({ city: 'Kristiania' })).toBe('Kristiania');
});

test.each([
  ['Asia/Calcutta', 'Kolkata'],
  ['Asia/Kolkata', 'Calcutta'],
  ['Europe/Kyiv', 'Kiev'],
  ['Europe/Kiev', 'Kyiv'],
  ['Asia/Saigon', 'Ho Chi Minh'],
  ['Asia/Rangoon', 'Yangon'],
  ['asia/katmandu', 'Kathmandu'],
  ['America/Godthab', 'Nuuk'],
  ['US/Eastern', 'New York'],
  ['Hongkong', 'Hong Kong'],
  ['Asia/Dacca', 'Dhaka'],
])('events of the zone %s find the series %s', (timezone, city) => {
  const { table } = joined([{ city, observed_at: startMs, temperature_c: 20 }]);
  const locate = locateBy(join, table);
  expect(locate({ city: null, timezone })).toBe(city);
  // Other cities with the same clock are other places.
  expect(locate({ city: null, timezone: 'Europe/Stockholm' })).toBe('Stockholm');
});

test('a zone with its own city does not ask for another', () => {
  const { table } = joined([
    { city: 'Kyiv', observed_at: startMs, temperature_c: 1 },
    { city: 'Kiev', observed_at: startMs, temperature_c: 2 },
  ]);
  const locate = locateBy(join, table);
  expect(locate({ city: null, timezone: 'Europe/Kyiv' })).toBe('Kyiv');
  expect(locate({ city: null, timezone: 'Europe/Kiev' })).toBe('Kiev');
});

test.each([
  ['Europe/Zurich', 'Zurich'],
  ['America/New_York', 'New York'],
  ['America/Argentina/Buenos_Aires', 'Buenos Aires'],
  ['UTC', null],
  ['Etc/GMT+1', null],
  ['Europe/', null],
  ['', null],
])('the city of the zone %s is %s', (zone, city) => {
  expect(cityOf(zone)).toBe(city);
});
