import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWithDeltaRs } from '../readers/readers.ts';
import { Installation } from './installation.ts';

let windrow: Installation;

beforeAll(async () => {
  windrow = await Installation.start();
  const load = (stream: string, file: string, maxRejects: string) =>
    windrow.run('load', '--stream', stream, `examples/flattened-export/${file}`, '--max-rejects', maxRejects);
  expect(await load('weather', 'weather.json', '1')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ROWS_REJECTED: 2 of 23 rows were rejected, and 1 may be'),
  });
  expect(await load('track', 'track_events.json', '2')).toMatchObject({ code: 0 });
  await windrow.landed();
});
afterAll(() => windrow?.stop());

test('each fault of the export is found by its reason, and nothing else is lost', async () => {
  const letters = await windrow.lake(
    readWithDeltaRs,
    'rejected/dead_letter',
    'select stream, stage, reason, message from t order by stream, stage, reason',
  );
  expect(letters.map(({ stream, stage, reason }) => `${stream}: ${stage}/${reason}`)).toEqual([
    'track: load/not_json',
    'track: load/occurred_at_too_old',
    'weather: load/city_missing',
    'weather: load/not_json',
  ]);
  // What never reached a topic is found by file and line.
  const lines = letters.filter(({ stage }) => stage === 'load').map(({ message }) => String(message));
  expect(lines.map((message) => /[a-z_]+\.json, line \d+/.exec(message)?.[0])).toEqual([
    'track_events.json, line 42',
    'track_events.json, line 32',
    'weather.json, line 6',
    'weather.json, line 14',
  ]);
  const [tracks] = await windrow.sql('select count(*)::int as n from curated.track_event');
  // 62 that can be parsed, without the one of 1519 and the line that is there twice.
  expect(tracks?.n).toBe(60);
  const [observations] = await windrow.sql('select count(*)::int as n from curated.weather_observation');
  // 21 landed. One without a temperature has the city and the time of the next one, which replaces it.
  expect(observations?.n).toBe(20);
});

test('events find their weather by the city of their time zone', async () => {
  const matches = await windrow.sql(`
    select timezone, weather_city, weather_match, count(*)::int as n
    from curated.track_event where weather_match = 'matched' group by 1, 2, 3 order by 1`);
  expect(matches.length).toBeGreaterThan(0);
  for (const { timezone, weather_city } of matches) expect(timezone).toBe(`Europe/${weather_city}`);
});

test('the audit counts the duplicate', async () => {
  const counts = { consumed: 61, accepted: 60, duplicates: 1, deadLettered: 0 };
  expect(await windrow.auditOf('track.raw')).toEqual(counts);
});
