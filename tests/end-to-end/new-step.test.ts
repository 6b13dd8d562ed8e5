import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWithDeltaRs } from '../readers/readers.ts';
import { copyOfTheClone } from './clone-copy.ts';
import { Installation } from './installation.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/add-an-enrichment-step.md'), 'utf8');
/** A new step is the file that the page shows, and two lines of a contract. */
const [, file = '', step = ''] = /^```ts (\S+)\n([\s\S]*?)^```$/m.exec(page) ?? [];

/** `Home` has no city. */
const places = ['Zurich', 'Paris', 'Home', 'Testville', 'Nowhere'];
const eventsOf = (round: string) =>
  places
    .map((place) =>
      JSON.stringify({
        type: 'track',
        messageId: `${round}-${place}`,
        userId: 'user-1',
        event: 'Ride Ended',
        timestamp: '2024-05-01T12:00:00Z',
        context: { location: place === 'Home' ? {} : { city: place } },
      }),
    )
    .join('\n');

let copy: string;
let windrow: Installation;

beforeAll(async () => {
  copy = copyOfTheClone();
  windrow = await Installation.start(copy);
});
afterAll(async () => {
  await windrow?.stop();
  rmSync(copy, { recursive: true, force: true });
});

async function load(round: string): Promise<void> {
  writeFileSync(join(copy, 'events.jsonl'), `${eventsOf(round)}\n`);
  await windrow.windrow('load', '--stream', 'track', 'events.jsonl');
  await windrow.landed();
}

const inLake = (columns: string) =>
  windrow.lake(readWithDeltaRs, 'curated/track', `select ${columns} from t order by 1`);
const inPostgres = () => windrow.sql('select event_id from curated.track_event order by 1');

async function audit() {
  const { stdout, stderr, code } = await windrow.run('audit', '--deep', '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as { partitions: { topic: string; dropped: Record<string, number> }[] };
}

test('a new step is one file and its place in a contract: its field, its drops and its rejections, live and in a replay', {
  timeout: 300_000,
}, async () => {
  await load('before');
  expect(await inLake('event_id')).toHaveLength(places.length);

  const stream = join(copy, 'packages/contracts/streams/track');
  writeFileSync(join(copy, file), step);
  const contract = readFileSync(join(stream, 'contract.ts'), 'utf8');
  writeFileSync(
    join(stream, 'contract.ts'),
    `import { country } from './country.ts';\n${contract.replace('steps: [', 'steps: [country,')}`,
  );
  await windrow.windrow('down');
  await windrow.windrow('up');

  await load('live');
  const registry = windrow.endpoints.SCHEMA_REGISTRY_URL;
  const latest = await fetch(`${registry}/subjects/track.enriched-value/versions/latest`);
  const { schema } = (await latest.json()) as { schema: string };
  expect((JSON.parse(schema) as { fields: unknown[] }).fields).toContainEqual(
    expect.objectContaining({ name: 'country', type: ['null', 'string'], default: null }),
  );
  const live = [
    { event_id: 'live-Home', country: null },
    { event_id: 'live-Paris', country: 'FR' },
    { event_id: 'live-Zurich', country: 'CH' },
  ];
  const before = places.toSorted().map((place) => ({ event_id: `before-${place}`, country: null }));
  expect(await inLake('event_id, country')).toEqual([...before, ...live]);
  const { partitions } = await audit();
  const dropped = partitions
    .filter(({ topic }) => topic === 'track.raw')
    .map((line) => line.dropped.test_city ?? 0);
  expect(dropped.reduce((sum, count) => sum + count, 0)).toBe(1);

  const today = new Date().toISOString().slice(0, 10);
  const replayed = await windrow.windrow('replay', '--stream', 'track', '--date', today, '--yes', '--json');
  expect(JSON.parse(replayed)).toMatchObject({
    counts: { read: 10, rows: 6, withdrawn: 2, rejected: 2, resent: 0, duplicates: 0 },
  });
  await windrow.landed();
  const rows = [
    { event_id: 'before-Home', country: null },
    { event_id: 'before-Paris', country: 'FR' },
    { event_id: 'before-Zurich', country: 'CH' },
    ...live,
  ];
  expect(await inLake('event_id, country')).toEqual(rows);
  expect(await inPostgres()).toEqual(rows.map(({ event_id }) => ({ event_id })));
  expect(
    await windrow.lake(
      readWithDeltaRs,
      'rejected/dead_letter',
      'select stage, reason, count(*)::int as events from t group by 1, 2 order by 1, 2',
    ),
  ).toEqual([
    { stage: 'replay', reason: 'country_unknown', events: 1 },
    { stage: 'replay', reason: 'test_city', events: 1 },
    { stage: 'step', reason: 'country_unknown', events: 1 },
  ]);
  await audit();
});
