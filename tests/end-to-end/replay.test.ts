import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openSession, planReplay, Replay, replayedStream } from '@windrow/operations';
import { deleteRecords } from '@windrow/pipeline/testing';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWithDuckDbDelta } from '../readers/readers.ts';
import { clone, Installation } from './installation.ts';
import { replayedContent } from './replayed-content.ts';

const flights = 'examples/flights-2013-01';
const answers = JSON.parse(readFileSync(join(clone, flights, 'expected.json'), 'utf8')) as {
  n: number;
  sum_temp_c: number;
  wet: number;
  by_date: Record<string, number>;
};

let windrow: Installation;

beforeAll(async () => {
  windrow = await Installation.start();
  // The weather comes late: no event has any.
  await windrow.windrow('load', '--stream', 'track', `${flights}/track_events.jsonl.gz`);
  await windrow.landed();
  await windrow.windrow('load', '--stream', 'weather', `${flights}/weather.jsonl.gz`);
  await windrow.landed();
});
afterAll(() => windrow?.stop());

interface Plan {
  ranges: { partition: number; from: number; to: number }[];
  rows: number;
}

const replay = (...args: string[]) => windrow.windrow('replay', '--stream', 'track', ...args);
const planned = async (...args: string[]) => JSON.parse(await replay(...args, '--dry-run', '--json')) as Plan;
const offsetsOf = ({ ranges }: Plan) => ranges.reduce((sum, { from, to }) => sum + to - from, 0);

async function expectSound(): Promise<void> {
  const audit = await windrow.run('audit', '--deep');
  expect(`${audit.stdout}${audit.stderr}`).toContain('it adds up');
}

const content = () => replayedContent(windrow);
const weatherOf = async () =>
  windrow.sql(
    'select weather_match as match, count(*)::int as events from curated.track_event group by 1 order by 1',
  );
const weatherInLake = () =>
  windrow.lake(
    readWithDuckDbDelta,
    'curated/track',
    'select weather_match as match, count(*)::int as events from t group by 1 order by 1',
  );

describe('what would be read and replaced', () => {
  test('by what the rows say', async () => {
    const plan = await planned('--where', 'weather_match=missing');
    expect({ offsets: offsetsOf(plan), rows: plan.rows }).toEqual({ offsets: answers.n, rows: answers.n });
    expect(await replay('--where', 'weather_match=matched', '--dry-run')).toContain('nothing of track');
  });

  test('by event time', async () => {
    const plan = await planned('--from', '2013-01-15T00:00:00Z', '--to', '2013-01-17T00:00:00Z');
    const expected = must(answers.by_date['2013-01-15']) + must(answers.by_date['2013-01-16']);
    expect(plan.rows).toBe(expected);
  });

  test('by the time of Kafka: all of it came today', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const [now, before] = [await planned('--date', today), await planned('--date', yesterday)];
    expect(now.rows + before.rows).toBe(answers.n);
  });

  test('by offsets', async () => {
    const plan = await planned('--offsets', '0:100-200,1:0-50,0:150-210');
    expect(plan.rows).toBe(160);
    expect(plan.ranges).toEqual([
      { partition: 0, from: 100, to: 210 },
      { partition: 1, from: 0, to: 50 },
    ]);
  });

  test.each([
    [['--offsets', '0:0-99999999', '--dry-run'], 'not committed to the tables yet'],
    [['--offsets', '0:5', '--dry-run'], 'is not a range of offsets'],
    [['--where', 'colour=red', '--dry-run'], 'no column colour'],
    [['--from', '2013-01-15T00:00:00Z'], 'a later --to'],
    [[], 'exactly one of'],
    [['--offsets', '0:0-1', '--date', '2013-01-01'], 'exactly one of'],
    [['--stream', 'weather', '--offsets', '0:0-1'], 'weather has no curated table'],
    [['--offsets', '0:0-1'], 'add --yes, or --dry-run'],
  ])('%j is refused', async (args, reason) => {
    const { code, stderr } = await windrow.run('replay', '--stream', 'track', ...args);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(reason) });
  });
});

test('one target alone changes, and the other one follows', { timeout: 120_000 }, async () => {
  const day = ['--from', '2013-01-01T00:00:00Z', '--to', '2013-01-02T00:00:00Z', '--yes'];
  const events = must(answers.by_date['2013-01-01']);
  const repaired = [
    { match: 'matched', events },
    { match: 'missing', events: answers.n - events },
  ];
  const missing = [{ match: 'missing', events: answers.n }];
  await replay(...day, '--target', 'lake');
  expect(await weatherInLake()).toEqual(repaired);
  expect(await weatherOf()).toEqual(missing);
  await replay(...day, '--target', 'postgres');
  expect(await weatherOf()).toEqual(repaired);
  await expectSound();
});

test('late weather is repaired, and the answers are those of weather in time', {
  timeout: 120_000,
}, async () => {
  const said = await replay('--where', 'weather_match=missing', '--yes');
  expect(said).toContain(
    `${(answers.n - must(answers.by_date['2013-01-01'])).toLocaleString('en-US')} rows made anew`,
  );
  const matched = [{ match: 'matched', events: answers.n }];
  expect(await weatherOf()).toEqual(matched);
  expect(await weatherInLake()).toEqual(matched);
  const [windows] = await windrow.sql(
    'select sum(events)::int as n, sum(wet_events)::int as wet, round(sum(temperature_c_sum)::numeric, 1)::float8 as sum_temp_c from curated.city_window',
  );
  expect(windows).toEqual({ n: answers.n, wet: answers.wet, sum_temp_c: answers.sum_temp_c });
  await expectSound();
});

test('again and again, all at once or in parts, it makes the same rows', { timeout: 180_000 }, async () => {
  const before = await content();
  await replay('--where', 'weather_match=matched', '--yes');
  expect(await content()).toEqual(before);
  await replay('--offsets', '0:10-3000,1:500-510,3:0-1', '--yes');
  await replay('--from', '2013-01-03T05:55:00Z', '--to', '2013-01-03T16:07:00Z', '--yes', '--rate', '5000');
  expect(await content()).toEqual(before);
  await expectSound();
});

test('live events go on, and neither loses the other’s rows', { timeout: 180_000 }, async () => {
  const lines = gunzipSync(readFileSync(join(clone, flights, 'track_events.jsonl.gz')))
    .toString()
    .trim()
    .split('\n');
  const live = lines.slice(0, 5_000).map((line) => {
    const event = JSON.parse(line) as { messageId: string; event: string };
    return JSON.stringify({ ...event, messageId: `live-${event.messageId}`, event: 'Live' });
  });
  const file = join(windrow.stateDir, 'live.jsonl');
  writeFileSync(file, `${live.join('\n')}\n`);
  const loading = windrow.windrow('load', '--stream', 'track', file);
  const today = new Date().toISOString().slice(0, 10);
  await replay('--date', today, '--yes');
  await loading;
  await replay('--date', today, '--yes');
  await windrow.landed();
  rmSync(file);
  const [row] = await windrow.sql(
    `select count(*)::int as events, count(*) filter (where event_name = 'Live')::int as live from curated.track_event`,
  );
  expect(row).toEqual({ events: answers.n + 5_000, live: 5_000 });
  const [sum] = await windrow.sql('select sum(events)::int as n from curated.city_window');
  expect(sum).toEqual({ n: answers.n + 5_000 });
  await expectSound();
});

test('what Kafka retains no longer comes from the raw table, and the rows are the same', {
  timeout: 180_000,
}, async () => {
  const before = await content();
  const brokers = (windrow.endpoints.KAFKA_BROKERS ?? '').split(',');
  // All records of one partition, and some records in the middle of what is replayed of the other one.
  await deleteRecords(
    brokers,
    'track.raw',
    new Map([
      [0, -1],
      [1, 1234],
    ]),
  );
  const plan = JSON.parse(await replay('--where', 'event_name=Flight Departed', '--dry-run', '--json')) as {
    rows: number;
    sources: Record<'kafka' | 'lake', Plan['ranges']>;
  };
  expect(plan.sources.lake.map(({ partition }) => partition)).toContain(1);
  expect(plan.sources.kafka.map(({ partition }) => partition)).not.toContain(0);
  await replay('--where', 'event_name=Flight Departed', '--yes');
  expect(await content()).toEqual(before);
});

/** A hundred take three minutes: REPLAY_REPETITIONS=100. */
const repetitions = Number(process.env.REPLAY_REPETITIONS ?? 15);

test(`${repetitions} times`, { timeout: 600_000 }, async () => {
  const before = await content();
  // As the command does it, without a process each time.
  const stream = await replayedStream('track');
  const signal = new AbortController().signal;
  const quiet = { note: () => undefined, progress: () => ({ show: () => undefined, end: () => undefined }) };
  for (let time = 0; time < repetitions; time++) {
    const session = await openSession({ ...process.env, ...windrow.endpoints });
    const selection = { by: 'offsets', ranges: '1:1200-1300,2:0-100' } as const;
    const plan = await planReplay(session, stream, { selection, target: 'both' }, { signal, ...quiet });
    await (await Replay.start(session, stream, plan)).run({ signal, ...quiet });
    await session.close();
  }
  expect(await content()).toEqual(before);
  const replays = JSON.parse(
    await windrow.windrow('replay', 'list', '--json', '--limit', String(repetitions)),
  ) as {
    state: string;
    counts: { rows: number };
  }[];
  expect(replays).toHaveLength(repetitions);
  for (const { state, counts } of replays)
    expect({ state, rows: counts.rows }).toEqual({ state: 'done', rows: 200 });
  // No table of staged rows is left behind.
  expect(
    await windrow.sql(`select relname from pg_class where relname like 'replay_stage%' and relkind = 'r'`),
  ).toEqual([]);
});
