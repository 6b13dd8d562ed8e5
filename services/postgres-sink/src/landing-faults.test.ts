import { AvroRegistry, type EventRecord } from '@windrow/contracts';
import { deadLettersOf } from '@windrow/sink/testing';
import { expect, onTestFinished, test } from 'vitest';
import { FaultyProxy } from '../fixtures/faulty-proxy.ts';
import {
  broker,
  counted,
  installation,
  ledgerOf,
  registryUrl,
  windowFaults,
} from '../fixtures/installation.ts';

test('a writer whose partition has gone to another one rolls back, and goes on from the ledger', async () => {
  const { database, open, event } = await installation();
  const former = await open('track', [0, 1]);
  const owner = await open('track', [0]);
  const events = Array.from({ length: 30 }, () => event({}));
  await former.append(0, events.slice(0, 20));
  await former.append(1, [event({ event_id: 'of partition 1' })]);
  await owner.append(0, events.slice(0, 10));
  await owner.drain();
  expect(await former.drain()).toBe(false);
  expect(former.failures).toEqual([expect.objectContaining({ code: 'LEDGER_LOST', retriable: true })]);
  expect(await counted(former, 'windrow_ledger_conflicts_total')).toBe(1);
  expect(await database.sql('SELECT count(*)::int AS n FROM curated.track_event')).toEqual([{ n: 10 }]);
  expect(await windowFaults(database)).toEqual([]);
  await former.assign();
  expect(former.positions).toEqual(
    new Map([
      [0, 10],
      [1, 0],
    ]),
  );
  await former.append(0, events.slice(10));
  expect(await former.drain()).toBe(true);
  expect(await database.sql('SELECT count(*)::int AS n FROM curated.track_event')).toEqual([{ n: 30 }]);
});

test.each(['before commit', 'after commit'] as const)(
  'a connection that is lost %s is settled by the ledger',
  async (fault) => {
    const { database, open, event } = await installation();
    const proxy = await FaultyProxy.to(database.url);
    onTestFinished(() => proxy.close());
    const landing = await open('track', [0], { url: proxy.url });
    await landing.append(0, [event({})]);
    expect(await landing.drain()).toBe(true);
    const commits = proxy.commits;
    proxy.faults.push(fault);
    await landing.append(0, [event({}), event({})]);
    expect(await landing.drain()).toBe(true);
    expect(proxy.faults).toEqual([]);
    expect(proxy.commits - commits).toBe(fault === 'before commit' ? 2 : 1);
    expect(landing.failures).toEqual([]);
    expect(landing.away).not.toEqual([]);
    expect(await database.sql('SELECT count(*)::int AS n FROM curated.track_event')).toEqual([{ n: 3 }]);
    expect(await ledgerOf(database)).toEqual([{ partition: 0, nextOffset: 3, rows: 3, rejected: 0 }]);
    expect(await windowFaults(database)).toEqual([]);
  },
);

test('rows that Postgres rejects become dead letters, and all others land', async () => {
  const { database, open, event } = await installation();
  await database.sql(
    "ALTER TABLE curated.track_event ADD CONSTRAINT no_orders CHECK (event_name <> 'Forbidden')",
  );
  const landing = await open('track', [0, 3]);
  const events = Array.from({ length: 400 }, (_, index) => event({ event_id: `event-${index}` }));
  const bad = new Map<number, [EventRecord, string]>([
    [0, [{ properties: '{"a":' }, 'data_exception']],
    [17, [{ properties: '{"a":"\\u0000"}' }, 'data_exception']],
    [18, [{ event_name: 'Forbidden' }, 'integrity_constraint_violation']],
    [200, [{ user_id: 'a\0b' }, 'data_exception']],
    [
      250,
      [
        { event_name: 'x'.repeat(40_000).replace(/x/g, () => Math.random().toString(36)) },
        'program_limit_exceeded',
      ],
    ],
    [399, [{ received_at: null }, 'integrity_constraint_violation']],
  ]);
  for (const [index, [values]] of bad) Object.assign(events[index] ?? {}, values);
  await landing.append(0, events);
  await landing.append(3, [event({ event_id: 'another partition' }), event({ event_name: 'Forbidden' })]);
  expect(await landing.drain()).toBe(true);
  const ids = await database.sql<{ event_id: string }>('SELECT event_id FROM curated.track_event');
  const good = events.filter((_, index) => !bad.has(index)).map(({ event_id }) => event_id);
  expect(ids.map(({ event_id }) => event_id).sort()).toEqual([...good, 'another partition'].sort());
  expect(await windowFaults(database)).toEqual([]);
  expect(await ledgerOf(database)).toEqual([
    { partition: 0, nextOffset: 400, rows: 394, rejected: 6 },
    { partition: 3, nextOffset: 2, rows: 1, rejected: 1 },
  ]);
  const letters = await deadLettersOf(broker, new AvroRegistry(registryUrl), landing.feed.topic);
  letters.sort((a, b) => Number(a.partition) - Number(b.partition) || Number(a.offset) - Number(b.offset));
  expect(letters.map(({ partition, offset, reason }) => [partition, offset, reason])).toEqual([
    ...[...bad].map(([index, [, reason]]) => [0, index, reason]),
    [3, 1, 'integrity_constraint_violation'],
  ]);
  expect(letters[0]).toMatchObject({
    stage: 'postgres',
    stream: 'track',
    service: 'postgres-sink',
    schema_id: 7,
    value: Buffer.from([0, 0, 0, 0, 7, 1]),
  });
});

test('a dead letter is not sent again when its micro-batch is', async () => {
  const { database, open, event } = await installation();
  const proxy = await FaultyProxy.to(database.url);
  onTestFinished(() => proxy.close());
  const landing = await open('track', [0], { url: proxy.url });
  await landing.append(0, [event({})]);
  await landing.drain();
  proxy.faults.push('before commit');
  await landing.append(0, [event({}), event({ received_at: null })]);
  expect(await landing.drain()).toBe(true);
  expect(proxy.faults).toEqual([]);
  expect(await deadLettersOf(broker, new AvroRegistry(registryUrl), landing.feed.topic)).toHaveLength(1);
  expect(await ledgerOf(database)).toEqual([{ partition: 0, nextOffset: 3, rows: 2, rejected: 1 }]);
});

test('a writer whose partition has gone to another one sends no dead letter', async () => {
  const { open, event } = await installation();
  const former = await open('track', [0]);
  const owner = await open('track', [0]);
  await former.append(0, [event({ received_at: null }), event({ received_at: null })]);
  await owner.append(0, [event({ received_at: null }), event({})]);
  expect(await owner.drain()).toBe(true);
  expect(await former.drain()).toBe(false);
  await owner.append(0, [event({ received_at: null })]);
  expect(await owner.drain()).toBe(true);
  expect(owner.failures).toEqual([]);
  const letters = await deadLettersOf(broker, new AvroRegistry(registryUrl), owner.feed.topic);
  expect(letters.map(({ offset }) => offset).sort()).toEqual([0, 2]);
});

test('tables that are missing end the landing with the way out, and no event is lost to dead letters', async () => {
  const { database, open, event } = await installation();
  const landing = await open('track', [0]);
  await database.sql('ALTER TABLE curated.city_window RENAME TO elsewhere');
  await landing.append(0, [event({})]);
  expect(await landing.drain()).toBe(false);
  expect(landing.failures).toEqual([
    expect.objectContaining({
      code: 'POSTGRES_FAILED',
      retriable: false,
      message: expect.stringMatching(/city_window.*windrow streams apply/),
    }),
  ]);
  expect(await ledgerOf(database)).toEqual([{ partition: 0, nextOffset: 0, rows: 0, rejected: 0 }]);
});
