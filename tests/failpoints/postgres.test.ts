import { migrate, readLedger } from '@windrow/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { testEachFailpoint } from './every-failpoint.ts';
import {
  type Installation,
  recoveryMs,
  startInstallation,
  trackEvents,
  undecodable,
} from './installation.ts';

let here: Installation;
let db: pg.Pool;
/** Of all events that were ever sent. */
const ids: string[] = [];
let undecodables = 0;

beforeAll(async () => {
  here = await startInstallation(['kafka', 'registry', 'postgres'], 2);
  db = new pg.Pool({ connectionString: here.stack.endpoints.DATABASE_URL, max: 2 });
  await migrate(here.stack.endpoints.DATABASE_URL ?? '', here.contracts);
});
afterAll(async () => {
  await db?.end();
  await here?.stop();
});

async function sendSome(): Promise<void> {
  const events = trackEvents(200);
  const records = events.map((event) => here.encode('track.enriched', event));
  await here.send('track.enriched', [...records, undecodable()]);
  ids.push(...events.map(({ event_id }) => event_id));
  undecodables += 1;
}

const done = () =>
  vi.waitFor(async () => {
    const ledger = (await readLedger(db)).filter(({ topic }) => topic === 'track.enriched');
    const ends = await here.broker.endOffsets('track.enriched');
    expect(new Map(ledger.map(({ partition, nextOffset }) => [partition, nextOffset]))).toEqual(ends);
  }, recoveryMs);

/** Nothing lost, nothing twice: rows, aggregates and ledger say the same, and each bad record is a dead letter. */
async function expectExactlyOnce(): Promise<void> {
  const { rows } = await db.query<{ event_id: string }>('SELECT event_id FROM curated.track_event');
  expect(rows.map(({ event_id }) => event_id).sort()).toEqual([...ids].sort());
  const windows = await db.query('SELECT sum(events)::integer AS events FROM curated.city_window');
  expect(windows.rows).toEqual([{ events: ids.length }]);
  const ledger = (await readLedger(db)).filter(({ topic }) => topic === 'track.enriched');
  expect(ledger.reduce((sum, entry) => sum + entry.rows, 0)).toBe(ids.length);
  expect(ledger.reduce((sum, entry) => sum + entry.rejected, 0)).toBe(undecodables);
  const letters = (await here.read('dead-letter')).map(({ value }) => value);
  const places = letters.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
  expect(new Set(places).size).toBe(undecodables);
  expect(places.length).toBe(undecodables);
}

testEachFailpoint('postgres', async (name) => {
  await sendSome();
  const doomed = here.start('postgres-sink', { failpoint: name });
  expect(await doomed.diedAt()).toEqual({ signal: 'SIGKILL', failpoint: name });
  const successor = here.start('postgres-sink');
  await sendSome();
  await done();
  await expectExactlyOnce();
  expect(await successor.stop()).toBe(0);
});

test.each(['postgres.transaction.beforeCommit', 'postgres.deadLetters.beforeSend'])(
  'stopped at %s, woken after a takeover: it adds nothing, and is a member again',
  async (name) => {
    await sendSome();
    const zombie = here.start('postgres-sink', { failpoint: `stop:${name}` });
    expect(await zombie.stoppedAt()).toBe(name);
    const successor = here.start('postgres-sink');
    await sendSome();
    // Postgres ends the transaction that stands still, which holds the ledger's lines until then.
    await done();
    await expectExactlyOnce();
    zombie.wake();
    await here.members('postgres-sink', 2);
    await sendSome();
    await done();
    await expectExactlyOnce();
    expect([zombie.hasEnded, successor.hasEnded]).toEqual([false, false]);
    expect(await zombie.stop()).toBe(0);
    expect(await successor.stop()).toBe(0);
  },
);
