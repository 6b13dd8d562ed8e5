import type { EventRecord } from '@windrow/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newYearMs } from '../fixtures/events.ts';
import { counted, dayMs, installation, ledgerOf, minuteMs, windowFaults } from '../fixtures/installation.ts';
import type { Landing } from '../fixtures/landing.ts';

test('events land once, however often they come, and the ledger counts each that was handed over', async () => {
  const { database, open, event } = await installation();
  const landing = await open('track', [0, 1]);
  const events = Array.from({ length: 500 }, (_, index) =>
    event({ occurred_at: newYearMs + index * minuteMs }),
  );
  await landing.append(0, events);
  expect(await landing.drain()).toBe(true);
  const before = await database.sql('SELECT * FROM curated.city_window ORDER BY 1, 2, 3');
  await landing.append(1, [...events, ...events.slice(0, 20)]);
  expect(await landing.drain()).toBe(true);
  expect(await database.sql('SELECT count(*)::int AS n FROM curated.track_event')).toEqual([{ n: 500 }]);
  expect(await database.sql('SELECT * FROM curated.city_window ORDER BY 1, 2, 3')).toEqual(before);
  expect(await windowFaults(database)).toEqual([]);
  expect(await ledgerOf(database)).toEqual([
    { partition: 0, nextOffset: 500, rows: 500, rejected: 0 },
    { partition: 1, nextOffset: 520, rows: 520, rejected: 0 },
  ]);
  expect(await counted(landing, 'windrow_events_total', { outcome: 'ok' })).toBe(500);
  expect(await counted(landing, 'windrow_events_total', { outcome: 'duplicate' })).toBe(520);
  expect(await counted(landing, 'windrow_microbatch_rows')).toBe(1_020);
});

test('of a replaced row the last version stays, within a micro-batch and over several', async () => {
  const { database, open } = await installation();
  const landing = await open('weather', [0]);
  const observation = (temperature_c: number) => ({ city: 'EWR', observed_at: newYearMs, temperature_c });
  await landing.append(0, [observation(1), observation(2)]);
  await landing.drain();
  await landing.append(0, [observation(3), { ...observation(5), city: 'JFK' }, observation(4)]);
  await landing.drain();
  const rows = await database.sql('SELECT city, temperature_c FROM curated.weather_observation ORDER BY 1');
  expect(rows).toEqual([
    { city: 'EWR', temperature_c: 4 },
    { city: 'JFK', temperature_c: 5 },
  ]);
  expect(await ledgerOf(database)).toEqual([{ partition: 0, nextOffset: 5, rows: 5, rejected: 0 }]);
});

test('the windows equal the events after random micro-batches, restarts and repetitions', async () => {
  const { database, open, event } = await installation();
  const some = <T>(...values: T[]) => fc.constantFrom(...values);
  const record = fc
    .record({
      event_id: fc.integer({ min: 0, max: 400 }).map((id) => `event-${id}`),
      event_name: some('Flight Departed', 'Order Completed', null),
      weather_city: some('EWR', 'JFK', null),
      city: some('Zürich', null),
      weather_match: some('matched', 'stale', 'missing'),
      precip_type: some('rain', 'snow', null),
      temperature_c: some(-3.25, 0, 17.5, null),
    })
    // The id determines the time, as for an event that is sent again.
    .map((values) => ({
      ...values,
      occurred_at: newYearMs + Number(values.event_id.slice(6)) * 3 * minuteMs,
    }));
  const step = fc.record({
    partition: fc.integer({ min: 0, max: 2 }),
    records: fc.array(record, { maxLength: 40 }),
    next: some('go on', 'drain', 'restart'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      let landing = await open('track', [0, 1, 2], { limits: { maxRows: 25 } });
      for (const { partition, records, next } of steps) {
        await landing.append(partition, records.map(event));
        if (next === 'drain') expect(await landing.drain()).toBe(true);
        if (next === 'restart') {
          await landing.close();
          landing = await open('track', [0, 1, 2], { limits: { maxRows: 25 } });
        }
      }
      expect(await landing.drain()).toBe(true);
      expect(landing.failures).toEqual([]);
      expect(await windowFaults(database)).toEqual([]);
    }),
    { numRuns: 12 },
  );
  expect(
    (await database.sql<{ n: number }>('SELECT count(*)::int AS n FROM curated.track_event'))[0]?.n,
  ).toBeGreaterThan(50);
});

test('writers of different partitions with the same windows and new days do not stop each other', async () => {
  const { database, open, event } = await installation();
  const cities = ['EWR', 'JFK', 'LGA', 'BOS', 'ORD'];
  const landings: Landing[] = [];
  for (const partition of [0, 1, 2])
    landings.push(await open('track', [partition], { limits: { maxRows: 300 } }));
  await Promise.all(
    landings.map(async (landing, partition) => {
      for (let round = 0; round < 10; round++) {
        const events = Array.from({ length: 300 }, (_, index) => {
          const turn = (index * (partition + 1)) % 300;
          const occurred_at = newYearMs + (turn % 40) * 10 * minuteMs + (turn % 5) * dayMs;
          return event({ occurred_at, weather_city: cities[turn % 5], temperature_c: index % 30 });
        });
        await landing.append(partition, events);
      }
      expect(await landing.drain()).toBe(true);
    }),
  );
  expect(landings.flatMap(({ failures }) => failures)).toEqual([]);
  expect(await database.sql('SELECT count(*)::int AS n FROM curated.track_event')).toEqual([{ n: 9_000 }]);
  expect(await windowFaults(database)).toEqual([]);
  expect((await ledgerOf(database)).map(({ rows }) => rows)).toEqual([3_000, 3_000, 3_000]);
});

test('the first questions have their views', async () => {
  const { database, open, event } = await installation();
  const landing = await open('track', [0]);
  const at = (minutes: number, values: EventRecord) =>
    event({ occurred_at: newYearMs + minutes * minuteMs, ...values });
  await landing.append(0, [
    at(1, { precip_type: 'rain', properties: '{"delay":30}' }),
    at(11, { properties: '{"delay":10}' }),
    at(12, { properties: '{"delay":20}', temperature_c: 6.5 }),
    at(19, { properties: '{"delay":"late"}', weather_match: 'missing', temperature_c: null }),
    at(95, { properties: '{"delay":"late"}', weather_city: 'JFK' }),
  ]);
  await landing.drain();
  const busiest = await database.sql('SELECT window_start, events::int FROM curated.busiest_window');
  expect(busiest).toEqual([{ window_start: new Date(newYearMs + 10 * minuteMs), events: 3 }]);
  const perWindow = await database.sql(
    'SELECT windows_with_events::int, avg_events, avg_events_with_empty_windows FROM curated.events_per_window',
  );
  expect(perWindow).toEqual([
    { windows_with_events: 3, avg_events: 5 / 3, avg_events_with_empty_windows: 0.5 },
  ]);
  const hours = await database.sql(
    'SELECT wet_events::int, dry_events::int, events_of_unknown_weather::int FROM curated.hour_by_weather ORDER BY hour_start',
  );
  expect(hours).toEqual([
    { wet_events: 1, dry_events: 2, events_of_unknown_weather: 1 },
    { wet_events: 0, dry_events: 1, events_of_unknown_weather: 0 },
  ]);
  const delays = await database.sql(
    "SELECT weather, events::int, mean FROM curated.property_by_weather('delay')",
  );
  expect(delays).toEqual([
    { weather: 'dry', events: 2, mean: 15 },
    { weather: 'wet', events: 1, mean: 30 },
  ]);
  const windows = await database.sql(
    "SELECT avg_temperature_c, wet_share FROM curated.city_window WHERE city = 'EWR' ORDER BY window_start",
  );
  expect(windows).toEqual([
    { avg_temperature_c: 3.5, wet_share: 1 },
    { avg_temperature_c: 5, wet_share: 0 },
  ]);
});
