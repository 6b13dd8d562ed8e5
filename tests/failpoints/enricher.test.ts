import type { Account, DeadLetter } from '@windrow/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { testEachFailpoint } from './every-failpoint.ts';
import {
  type Installation,
  recoveryMs,
  startInstallation,
  trackEvents,
  undecodable,
} from './installation.ts';

const partitions = 2;
let here: Installation;
/** Of all events that were ever sent, once each. */
const ids: string[] = [];
let duplicates = 0;
let rejected = 0;

beforeAll(async () => {
  here = await startInstallation(['kafka', 'registry'], partitions);
});
afterAll(() => here?.stop());

async function sendSome(): Promise<void> {
  const events = trackEvents(200);
  const records = [...events, ...events.slice(0, 20)].map((event) => here.encode('track.raw', event));
  await here.send('track.raw', [...records, undecodable(), undecodable(), undecodable()]);
  ids.push(...events.map(({ event_id }) => event_id));
  duplicates += 20;
  rejected += 3;
}

const done = () =>
  vi.waitFor(async () => {
    for (const { topics } of here.contracts) {
      const committed = await here.broker.committedOffsets('enricher', topics.raw.name);
      const ends = await here.broker.endOffsets(topics.raw.name);
      for (const [partition, end] of ends) expect(committed.get(partition) ?? 0).toBe(end);
    }
  }, recoveryMs);

/** Nothing lost, nothing twice, and no part of a transaction without the others: accounts, outputs and dead letters agree. */
async function expectExactlyOnce(): Promise<void> {
  const enriched = await here.read('track.enriched');
  expect(enriched.map(({ value }) => value.event_id).sort()).toEqual([...ids].sort());
  const letters = (await here.read('dead-letter')).map(({ value }) => value as unknown as DeadLetter);
  const places = letters.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
  expect(new Set(places).size).toBe(rejected);
  expect(places.length).toBe(rejected);

  const accounts = (await here.read('accounts')).map(({ value }) => value as unknown as Account);
  const ofTrack = accounts.filter(({ topic }) => topic === 'track.raw');
  const ends = await here.broker.endOffsets('track.raw');
  for (let partition = 0; partition < partitions; partition++) {
    const own = ofTrack.filter((account) => account.partition === partition);
    own.sort((a, b) => a.first_offset - b.first_offset);
    expect(own.map((account) => account.first_offset)).toEqual([
      0,
      ...own.slice(0, -1).map((account) => account.next_offset),
    ]);
    expect(own.at(-1)?.next_offset).toBe(ends.get(partition));
    const accepted = own.reduce((sum, account) => sum + account.accepted, 0);
    expect(accepted).toBe(enriched.filter((record) => record.partition === partition).length);
  }
  const total = (of: (account: Account) => number) => ofTrack.reduce((sum, account) => sum + of(account), 0);
  expect(total((account) => account.accepted)).toBe(ids.length);
  expect(total((account) => account.duplicates)).toBe(duplicates);
  expect(total((account) => Object.values(account.rejected).reduce((sum, count) => sum + count, 0))).toBe(
    rejected,
  );
  expect(total((account) => account.consumed)).toBe(ids.length + duplicates + rejected);
}

testEachFailpoint('enricher', async (name) => {
  await sendSome();
  const doomed = here.start('enricher', { failpoint: name });
  expect(await doomed.diedAt()).toEqual({ signal: 'SIGKILL', failpoint: name });
  const successor = here.start('enricher');
  await sendSome();
  await done();
  await expectExactlyOnce();
  expect(await successor.stop()).toBe(0);
});

test('stopped before the end of a transaction, woken after a takeover: it adds nothing, and is a member again', async () => {
  await sendSome();
  const name = 'enricher.transaction.beforeEnd';
  const zombie = here.start('enricher', { failpoint: `stop:${name}` });
  expect(await zombie.stoppedAt()).toBe(name);
  const successor = here.start('enricher');
  await done();
  await sendSome();
  await done();
  await expectExactlyOnce();
  zombie.wake();
  await here.members('enricher', 2);
  await sendSome();
  await done();
  await expectExactlyOnce();
  expect([zombie.hasEnded, successor.hasEnded]).toEqual([false, false]);
  expect(await zombie.stop()).toBe(0);
  expect(await successor.stop()).toBe(0);
});

test.each(['enricher.transaction.beforeEnd', 'enricher.transaction.afterOutputs'])(
  'the transaction coordinator is killed and comes back while an enricher is at %s',
  async (name) => {
    await sendSome();
    const enricher = here.start('enricher', { failpoint: `stop:${name}` });
    expect(await enricher.stoppedAt()).toBe(name);
    await here.stack.restartPart('kafka', { signal: 'SIGKILL' });
    enricher.wake();
    await done();
    await sendSome();
    await done();
    await expectExactlyOnce();
    expect(enricher.hasEnded).toBe(false);
    expect(await enricher.stop()).toBe(0);
  },
);
