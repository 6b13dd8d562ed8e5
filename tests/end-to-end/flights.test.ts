import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation, readers } from './installation.ts';

/** What an independent as-of join over the same files gave: see examples/flights-2013-01. */
const expected = JSON.parse(
  readFileSync(new URL('../../examples/flights-2013-01/expected.json', import.meta.url), 'utf8'),
) as {
  n: number;
  cancelled: number;
  avg_delay_wet: number;
  avg_delay_dry: number;
  sum_temp_c: number;
  wet: number;
  weather_rows: number;
  distinct_10min_windows: number;
  busiest_10min_window: [string, number];
  by_date: Record<string, number>;
};
const tracks = 'examples/flights-2013-01/track_events.jsonl.gz';
const weather = 'examples/flights-2013-01/weather.jsonl.gz';

let windrow: Installation;

beforeAll(async () => {
  windrow = await Installation.start();
  await windrow.windrow('load', '--stream', 'weather', weather);
  await windrow.windrow('load', '--stream', 'track', tracks);
  await windrow.landed();
});
afterAll(() => windrow?.stop());

test('Postgres gives the answers that were computed independently', async () => {
  const [totals] = await windrow.sql(`
    select count(*)::int as n, count(distinct event_id)::int as ids,
      count(*) filter (where weather_match = 'matched')::int as matched,
      count(*) filter (where properties->>'dep_delay_min' is null)::int as cancelled,
      count(*) filter (where precip_type is not null)::int as wet,
      round(avg((properties->>'dep_delay_min')::numeric) filter (where precip_type is not null), 4)::float8 as wet_delay,
      round(avg((properties->>'dep_delay_min')::numeric) filter (where precip_type is null), 4)::float8 as dry_delay,
      round(sum(temperature_c)::numeric, 1)::float8 as temperatures
    from curated.track_event`);
  expect(totals).toEqual({
    n: expected.n,
    ids: expected.n,
    matched: expected.n,
    cancelled: expected.cancelled,
    wet: expected.wet,
    wet_delay: expected.avg_delay_wet,
    dry_delay: expected.avg_delay_dry,
    temperatures: expected.sum_temp_c,
  });
  const byDate = await windrow.sql(`
    select to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD') as date, count(*)::int as n
    from curated.track_event group by 1 order by 1`);
  expect(Object.fromEntries(byDate.map(({ date, n }) => [date, n]))).toEqual(expected.by_date);
  const [observations] = await windrow.sql('select count(*)::int as n from curated.weather_observation');
  expect(observations?.n).toBe(expected.weather_rows);
});

test('the windows add up, and the busiest one is the right one', async () => {
  const windows = await windrow.sql(`
    select window_start, sum(events)::int as n, sum(wet_events)::int as wet
    from curated.city_window group by 1 order by 2 desc, 1`);
  expect(windows).toHaveLength(expected.distinct_10min_windows);
  expect(windows.reduce((sum, { n }) => sum + Number(n), 0)).toBe(expected.n);
  expect(windows.reduce((sum, { wet }) => sum + Number(wet), 0)).toBe(expected.wet);
  const [start, events] = expected.busiest_10min_window;
  expect(windows[0]).toMatchObject({ window_start: new Date(start), n: events });
});

test.each(Object.keys(readers))('%s reads the same answers from the lake', async (name) => {
  const reader = readers[name];
  if (!reader) throw new Error(name);
  const [totals] = await windrow.lake(
    reader,
    'curated/track',
    `select count(*)::int as n, count(distinct event_id)::int as ids,
      count(*) filter (where weather_match = 'matched')::int as matched,
      count(*) filter (where precip_type is not null)::int as wet,
      round(avg(cast(properties->>'dep_delay_min' as double)) filter (where precip_type is not null), 4) as wet_delay,
      round(avg(cast(properties->>'dep_delay_min' as double)) filter (where precip_type is null), 4) as dry_delay,
      round(sum(temperature_c), 1) as temperatures
    from t`,
  );
  expect(totals).toEqual({
    n: expected.n,
    ids: expected.n,
    matched: expected.n,
    wet: expected.wet,
    wet_delay: expected.avg_delay_wet,
    dry_delay: expected.avg_delay_dry,
    temperatures: expected.sum_temp_c,
  });
  const byDate = await windrow.lake(
    reader,
    'curated/track',
    'select cast(date as varchar) as date, count(*)::int as n from t group by 1 order by 1',
  );
  expect(Object.fromEntries(byDate.map(({ date, n }) => [date, n]))).toEqual(expected.by_date);
  const [raw] = await windrow.lake(reader, 'raw/weather', 'select count(*)::int as n from t');
  expect(raw?.n).toBe(expected.weather_rows);
});

test('the audit adds up, and reads the tables too', async () => {
  const { code, stdout } = await windrow.run('audit', '--deep');
  expect(stdout).toMatch(/27,?004/);
  expect(code).toBe(0);
});

test('the same files loaded again change no table but the archive of the topics', async () => {
  const before = await windrow.counts();
  await windrow.windrow('load', '--stream', 'weather', weather);
  await windrow.windrow('load', '--stream', 'track', tracks);
  await windrow.landed();
  expect(await windrow.counts()).toEqual({
    ...before,
    // One row for each record of the topic, told apart by _partition and _offset.
    'raw/track': 2 * expected.n,
    'raw/weather': 2 * expected.weather_rows,
  });
  const counts = { consumed: 2 * expected.n, accepted: expected.n, duplicates: expected.n, deadLettered: 0 };
  expect(await windrow.auditOf('track.raw')).toEqual(counts);
});
