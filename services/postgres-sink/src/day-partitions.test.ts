import { randomBytes } from 'node:crypto';
import { DayPartitions, maxDaysAtOnce } from '@windrow/postgres';
import { must } from '@windrow/runtime/testing';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { newYearMs } from '../fixtures/events.ts';
import { dayMs, installation, ledgerOf } from '../fixtures/installation.ts';

const table = 'curated.track_event';

test('history of many dates, in any order, makes their partitions, and a micro-batch is on a bounded number of them', async () => {
  const { database, open, event } = await installation();
  const landing = await open('track', [0], { maxDays: 40 });
  const events = Array.from({ length: 200 }, (_, index) =>
    event({ occurred_at: newYearMs - ((index * 7) % 100) * dayMs }),
  );
  await landing.append(0, events);
  expect(await landing.drain()).toBe(true);
  expect(landing.landed.map(({ offset }) => offset)).toEqual([40, 80, 120, 160, 200]);
  const count = async (from: string) => (await database.sql(`SELECT count(*)::int AS n FROM ${from}`))[0];
  expect(await count(`pg_inherits WHERE inhparent = '${table}'::regclass`)).toEqual({ n: 100 });
  expect(await count(table)).toEqual({ n: 200 });
  expect(await ledgerOf(database)).toEqual([{ partition: 0, nextOffset: 200, rows: 200, rejected: 0 }]);
});

test("a day's partition that was dropped comes back", async () => {
  const { database, open, event } = await installation();
  const landing = await open('track', [0]);
  await landing.append(0, [event({})]);
  expect(await landing.drain()).toBe(true);
  await database.sql(`DROP TABLE ${table}_20130101`);
  await landing.append(0, [event({ event_id: 'late' })]);
  expect(await landing.drain()).toBe(true);
  expect(await database.sql(`SELECT event_id FROM ${table}_20130101`)).toEqual([{ event_id: 'late' }]);
  expect(await ledgerOf(database)).toEqual([{ partition: 0, nextOffset: 2, rows: 2, rejected: 0 }]);
});

test("as many days as are allowed at once take half of the server's locks at most, and not much less", async () => {
  const { database } = await installation();
  const db = new pg.Client(database.url);
  await db.connect();
  onTestFinished(() => db.end());
  const first = newYearMs / dayMs;
  await new DayPartitions(table).ensure(db, [first, first + 1]);
  await db.query(
    `CREATE FUNCTION pg_temp.locks() RETURNS integer VOLATILE LANGUAGE sql
     AS 'SELECT count(*)::integer FROM pg_locks WHERE pid = pg_backend_pid()'`,
  );
  // Locks on indexes are released after the statement, so the statement counts them. The text is long enough for the TOAST
  // table, which needs one more lock.
  const { rows: counts } = await db.query<{ locks: number }>(
    `INSERT INTO ${table} (event_id, type, occurred_at, received_at, properties)
     SELECT 'a', 'track', to_timestamp(86400 * day), now(), to_jsonb($2::text) FROM unnest($1::integer[]) AS day
     ON CONFLICT (event_id, occurred_at) DO NOTHING
     RETURNING pg_temp.locks() AS locks`,
    [[first, first + 1], randomBytes(20_000).toString('hex')],
  );
  const locksOfOneMore = must(counts[1]).locks - must(counts[0]).locks;
  const { rows } = await db.query(
    "SELECT current_setting('max_connections')::int * current_setting('max_locks_per_transaction')::int AS locks",
  );
  const share = ((await maxDaysAtOnce(db, table)) * locksOfOneMore) / rows[0].locks;
  expect(share).toBeLessThanOrEqual(0.5);
  expect(share).toBeGreaterThan(0.4);
});
