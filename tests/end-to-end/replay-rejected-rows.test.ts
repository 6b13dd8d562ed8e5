import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWithDeltaRs } from '../readers/readers.ts';
import { Installation } from './installation.ts';
import { replayedContent } from './replayed-content.ts';

let windrow: Installation;

const event = (number: number, context: Record<string, unknown> = {}) =>
  JSON.stringify({
    type: 'track',
    messageId: `event-${number}`,
    userId: `user-${number % 7}`,
    event: 'Ride Ended',
    timestamp: new Date(Date.UTC(2024, 4, 1, 12, number)).toISOString(),
    context: { location: { city: 'Zurich' }, ...context },
  });

/** 6,880 bytes that no compression makes fit into an index. */
const longText = Array.from({ length: 80 }, (_, at) =>
  createHash('sha512').update(String(at)).digest('base64').slice(0, 86),
).join('');

async function load(stream: string, lines: string[]): Promise<void> {
  const file = join(windrow.stateDir, `${stream}.jsonl`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  await windrow.windrow('load', '--stream', stream, file);
  await windrow.landed();
}

async function expectSound(): Promise<void> {
  const audit = await windrow.run('audit', '--deep');
  expect(`${audit.stdout}${audit.stderr}`).toContain('it adds up');
}

const replayAll = (...args: string[]) =>
  windrow.run('replay', '--stream', 'track', '--where', 'event_name=Ride Ended', '--yes', '--json', ...args);
const content = () => replayedContent(windrow);

interface Replayed {
  id: number;
  state: string;
  lakeVersion: number | null;
  counts: Record<string, number>;
}
async function lastReplay(): Promise<Replayed> {
  const [last] = JSON.parse(await windrow.windrow('replay', 'list', '--json', '--limit', '1')) as Replayed[];
  return must(last);
}
const letters = () =>
  windrow.lake(
    readWithDeltaRs,
    'rejected/dead_letter',
    'select stage, topic, reason, count(*)::int as events from t group by all order by all',
  );
const ofPostgres = (reason: string, events: number) => ({
  ...{ stage: 'postgres', topic: 'track.enriched', reason, events },
});

beforeAll(async () => {
  windrow = await Installation.start();
  // An index and a constraint of the operator, which no contract knows.
  await windrow.sql('CREATE INDEX ON curated.track_event (os_name)');
  await windrow.sql(`ALTER TABLE curated.city_window ADD CHECK (city <> 'Atlantis')`);
  await load('track', [
    ...Array.from({ length: 40 }, (_, number) => event(number)),
    event(40, { os: { name: longText } }),
    event(41, { location: { city: 'Atlantis' } }),
  ]);
});
afterAll(() => windrow?.stop());

test('a replay sets aside the rows that the sink has set aside', { timeout: 120_000 }, async () => {
  const rejected = [ofPostgres('integrity_constraint_violation', 1), ofPostgres('program_limit_exceeded', 1)];
  expect(await letters()).toEqual(rejected);
  await expectSound();
  const before = await content();
  const { code, stderr } = await replayAll();
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(await lastReplay()).toMatchObject({ state: 'done', counts: { rows: 42, postgresRejected: 2 } });
  await windrow.landed();
  expect(await content()).toEqual(before);
  expect(await letters()).toEqual(rejected);
  await expectSound();
});

test('a row that Postgres rejects only now loses its place there, and has one dead letter', {
  timeout: 120_000,
}, async () => {
  await windrow.sql(
    'ALTER TABLE curated.track_event ADD CONSTRAINT mild CHECK (temperature_c > 0 OR event_id NOT LIKE $$%7$$) NOT VALID',
  );
  await load('weather', [
    JSON.stringify({ city: 'Zurich', observed_at: '2024-05-01T11:50:00Z', temperature_c: -2 }),
  ]);
  const before = await letters();
  expect(await replayAll()).toMatchObject({ code: 0 });
  await windrow.landed();
  // event-7, event-17, event-27, event-37
  const [rows] = await windrow.sql(
    `select count(*)::int as rows, count(temperature_c)::int as cold from curated.track_event`,
  );
  expect(rows).toEqual({ rows: 36, cold: 36 });
  const [sums] = await windrow.sql('select sum(events)::int as events from curated.city_window');
  expect(sums).toEqual({ events: 36 });
  const now = await letters();
  expect(now).toEqual([
    ofPostgres('integrity_constraint_violation', 5),
    must(before.find(({ reason }) => reason === 'program_limit_exceeded')),
  ]);
  await expectSound();
  // Again: no second dead letter. Then the constraint goes, and the rows come back.
  expect(await replayAll()).toMatchObject({ code: 0 });
  await windrow.landed();
  expect(await letters()).toEqual(now);
  await windrow.sql('ALTER TABLE curated.track_event DROP CONSTRAINT mild');
  expect(await replayAll()).toMatchObject({ code: 0 });
  await windrow.landed();
  const [after] = await windrow.sql('select count(*)::int as rows from curated.track_event');
  expect(after).toEqual({ rows: 40 });
  await expectSound();
});

test('a replay that Postgres can not finish is rolled back, or resumed when the cause is gone', {
  timeout: 180_000,
}, async () => {
  await load('weather', [
    JSON.stringify({ city: 'Zurich', observed_at: '2024-05-01T11:55:00Z', temperature_c: 9 }),
  ]);
  const before = await content();
  await windrow.sql(`CREATE FUNCTION curated.stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF new.occurred_at >= '2024-05-01T12:35:00Z' THEN RAISE EXCEPTION 'stuck' USING ERRCODE = '42501'; END IF; RETURN new; END $$`);
  await windrow.sql(
    'CREATE TRIGGER stuck BEFORE INSERT ON curated.track_event FOR EACH ROW EXECUTE FUNCTION curated.stuck()',
  );
  const stuck = await replayAll();
  const { id, state } = await lastReplay();
  expect({ ...stuck, state }).toMatchObject({
    code: 1,
    state: 'swapping',
    stderr: expect.stringContaining(`--cancel ${id}`),
  });
  expect(await content()).toEqual(before);
  expect(await replayAll()).toMatchObject({ code: 1, stderr: expect.stringContaining(`--cancel ${id}`) });
  await windrow.sql('DROP TRIGGER stuck ON curated.track_event');
  await windrow.windrow('replay', '--cancel', String(id));
  expect(await lastReplay()).toMatchObject({ id, state: 'cancelled', lakeVersion: null });
  expect(await content()).toEqual(before);
  await expectSound();

  await windrow.sql(
    'CREATE TRIGGER stuck BEFORE INSERT ON curated.track_event FOR EACH ROW EXECUTE FUNCTION curated.stuck()',
  );
  expect(await replayAll()).toMatchObject({ code: 1 });
  await windrow.sql('DROP TRIGGER stuck ON curated.track_event');
  await windrow.windrow('replay', '--resume', String((await lastReplay()).id));
  expect(await lastReplay()).toMatchObject({ state: 'done' });
  const [cold] = await windrow.sql(
    'select count(*)::int as rows from curated.track_event where temperature_c < 0',
  );
  expect(cold).toEqual({ rows: 0 });
  await expectSound();
  expect(
    await windrow.sql(
      `select relname from pg_class where relname like 'replay\\_%\\_%' and relkind = 'r' and relname !~ 'withdrawn'`,
    ),
  ).toEqual([]);
});
