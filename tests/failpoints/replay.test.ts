import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clone, Installation } from '../end-to-end/installation.ts';
import { replayedContent } from '../end-to-end/replayed-content.ts';
import { recordReached, testEachFailpoint } from './every-failpoint.ts';

let windrow: Installation;
let repaired: readonly unknown[];

beforeAll(async () => {
  windrow = await Installation.start();
  // The first days: each test reads all of them several times.
  const lines = gunzipSync(readFileSync(join(clone, 'examples/flights-2013-01/track_events.jsonl.gz')));
  const events = join(windrow.stateDir, 'events.jsonl');
  writeFileSync(events, lines.toString().split('\n').slice(0, 4_000).join('\n'));
  await windrow.windrow('load', '--stream', 'track', events);
  await windrow.landed();
  await windrow.windrow('load', '--stream', 'weather', 'examples/flights-2013-01/weather.jsonl.gz');
  await windrow.landed();
});
afterAll(() => windrow?.stop());

/** Runs the command until it ends. Returns the failpoint that killed it. */
function killedAt(failpoint: string, ...args: string[]): Promise<string | undefined> {
  const child = spawn(process.execPath, [join(clone, 'packages/cli/bin/windrow.mjs'), ...args], {
    cwd: clone,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...windrow.settings,
      WINDROW_FAILPOINT: failpoint,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_, signal) => resolve(recordReached(said, signal)));
  });
}

const content = () => replayedContent(windrow);

/** The first or the last event of a replayed day. */
const eventThat = (isThe: 'min' | 'max') =>
  `select ${isThe}(event_id) from curated.track_event where occurred_at::date = '2013-01-03'`;

/** Two days, whose files also have rows of others. */
const someDays = ['--stream', 'track', '--from', '2013-01-02T09:00:00Z', '--to', '2013-01-04T09:00:00Z'];

async function lastReplay() {
  const [last] = JSON.parse(await windrow.windrow('replay', 'list', '--json', '--limit', '1')) as {
    id: number;
    state: string;
    counts: Record<string, number>;
  }[];
  return must(last);
}

async function expectSound(): Promise<void> {
  const audit = await windrow.run('audit', '--deep');
  expect(`${audit.stdout}${audit.stderr}`).toContain('it adds up');
}

/** Killed on its way back, a replay is cancelled all the same, and the tables are as they were. */
async function rolledBack(failpoint: string): Promise<void> {
  await windrow.sql(
    `update curated.track_event set city = 'elsewhere' where event_id = (${eventThat('min')})`,
  );
  const before = await content();
  const swapped = 'replay.swap.afterCommit';
  expect(await killedAt(swapped, 'replay', ...someDays, '--yes')).toBe(swapped);
  expect(await content()).not.toEqual(before);
  const { id } = await lastReplay();
  expect(await killedAt(failpoint, 'replay', '--cancel', String(id))).toBe(failpoint);
  await windrow.windrow('replay', '--cancel', String(id));
  expect(await lastReplay()).toMatchObject({ id, state: 'cancelled' });
  expect(await content()).toEqual(before);
  await windrow.windrow('replay', ...someDays, '--yes');
}

/** Killed while it sends the dead letter of a row that Postgres rejects, a replay sends exactly one. */
async function rejected(failpoint: string): Promise<void> {
  // Another event for each failpoint: an event has only one dead letter of Postgres.
  const [event] = await windrow.sql(`update curated.track_event set city = 'elsewhere'
    where event_id = (${eventThat(failpoint.endsWith('beforeSend') ? 'min' : 'max')}) returning event_id`);
  const check = `CHECK (event_id <> '${String(event?.event_id)}' OR city = 'elsewhere') NOT VALID`;
  await windrow.sql(`ALTER TABLE curated.track_event ADD CONSTRAINT elsewhere ${check}`);
  expect(await killedAt(failpoint, 'replay', ...someDays, '--yes')).toBe(failpoint);
  const { id } = await lastReplay();
  const refused = await windrow.run('replay', '--cancel', String(id));
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('committed in the lake') });
  await windrow.windrow('replay', '--resume', String(id));
  expect(await lastReplay()).toMatchObject({ id, state: 'done', counts: { postgresRejected: 1 } });
  await windrow.landed();
  await expectSound();
  await windrow.sql('ALTER TABLE curated.track_event DROP CONSTRAINT elsewhere');
  await windrow.windrow('replay', ...someDays, '--yes');
}

/** A replay that is killed and resumed leaves the rows of a replay that was never killed. */
testEachFailpoint(
  'replay',
  async (failpoint) => {
    if (failpoint.startsWith('replay.rollback.')) return rolledBack(failpoint);
    if (failpoint.startsWith('replay.deadLetters.')) return rejected(failpoint);
    // The first replay repairs the rows. Each later one must produce the same rows again.
    expect(await killedAt(failpoint, 'replay', ...someDays, '--yes')).toBe(failpoint);
    const { id, state } = await lastReplay();
    expect(state).not.toBe('done');
    const refused = await windrow.run('replay', ...someDays, '--yes');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`--resume ${id}`) });
    await windrow.windrow('replay', '--resume', String(id));
    expect(await lastReplay()).toMatchObject({ id, state: 'done' });
    const [missing] = await windrow.sql(
      `select count(*)::int as events from curated.track_event where weather_match <> 'matched'
     and occurred_at >= '2013-01-02T09:00:00Z' and occurred_at < '2013-01-04T09:00:00Z'`,
    );
    expect(missing).toEqual({ events: 0 });
    repaired ??= await content();
    expect(await content()).toEqual(repaired);
    await expectSound();
  },
  { timeout: 240_000 },
);

test('killed before anything has changed, it can be given up', { timeout: 240_000 }, async () => {
  for (const failpoint of ['replay.staged.beforeRecord', 'replay.staged.afterRecord']) {
    expect(await killedAt(failpoint, 'replay', ...someDays, '--yes')).toBe(failpoint);
    const { id } = await lastReplay();
    await windrow.windrow('replay', '--cancel', String(id));
    expect(await lastReplay()).toMatchObject({ id, state: 'cancelled' });
    const again = await windrow.run('replay', '--resume', String(id));
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('is cancelled') });
  }
  expect(await content()).toEqual(repaired);
  expect(
    await windrow.sql(`select relname from pg_class where relname like 'replay_stage%' and relkind = 'r'`),
  ).toEqual([]);
  // No file that was staged lies around: the audit would find it.
  await expectSound();
});

test('killed after the commit in the lake, it can only be resumed', { timeout: 120_000 }, async () => {
  const failpoint = 'lake.replay.afterPut';
  expect(await killedAt(failpoint, 'replay', ...someDays, '--yes')).toBe(failpoint);
  const { id } = await lastReplay();
  const refused = await windrow.run('replay', '--cancel', String(id));
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`--resume ${id}`) });
  await windrow.windrow('replay', '--resume', String(id));
  expect(await content()).toEqual(repaired);
});
