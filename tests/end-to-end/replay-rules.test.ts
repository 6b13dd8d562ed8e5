import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '@windrow/runtime/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWithDeltaRs } from '../readers/readers.ts';
import { copyOfTheClone } from './clone-copy.ts';
import { Installation } from './installation.ts';

/** 30 sound events, 20 without a city, 10 with a latitude beyond the pole. */
const events = Array.from({ length: 60 }, (_, number) => {
  const location = {
    ...(number % 3 !== 0 && { city: 'Zurich' }),
    latitude: number % 6 === 1 ? 95 : 47.4,
    longitude: 8.5,
  };
  return JSON.stringify({
    type: 'track',
    messageId: `event-${number}`,
    userId: `user-${number % 7}`,
    event: 'Ride Ended',
    timestamp: new Date(Date.UTC(2024, 4, 1, 12, number)).toISOString(),
    properties: { number },
    context: { location },
  });
});

let copy: string;
let windrow: Installation;
let contract: string;
let schema: string;

beforeAll(async () => {
  copy = copyOfTheClone();
  contract = join(copy, 'packages/contracts/streams/track/contract.ts');
  schema = join(copy, 'packages/contracts/streams/track/schema.avsc');
  // Here a latitude costs the event.
  const shipped = readFileSync(contract, 'utf8');
  const latitude = "between('latitude', -90, 90),";
  expect(shipped).toContain(latitude);
  writeFileSync(contract, shipped.replace(latitude, '').replace('rules: [', `rules: [${latitude}`));
  windrow = await Installation.start(copy);
  writeFileSync(join(copy, 'events.jsonl'), `${events.join('\n')}\n`);
  // The services run with all rules. `load` would reject the events that this one is about.
  const rules = readFileSync(contract, 'utf8');
  writeFileSync(contract, rules.replace("between('latitude', -90, 90),", ''));
  await windrow.windrow('load', '--stream', 'track', 'events.jsonl');
  writeFileSync(contract, rules);
  await windrow.landed();
});
afterAll(async () => {
  await windrow?.stop();
  rmSync(copy, { recursive: true, force: true });
});

/** A release with another contract: the services end, and start again with it. */
async function release(file: string, change: (text: string) => string): Promise<void> {
  const before = readFileSync(file, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(file, after);
  await windrow.windrow('down');
  await windrow.windrow('up');
}

const replay = () => windrow.windrow('replay', '--stream', 'track', '--date', today(), '--yes', '--json');
const today = () => new Date().toISOString().slice(0, 10);
const countsOf = (said: string) => (JSON.parse(said) as { counts: Record<string, number> }).counts;

async function tables() {
  await windrow.landed();
  const [postgres] = await windrow.sql('select count(*)::int as rows from curated.track_event');
  const [windows] = await windrow.sql(
    'select coalesce(sum(events), 0)::int as rows from curated.city_window',
  );
  const [lake] = await windrow.lake(readWithDeltaRs, 'curated/track', 'select count(*)::int as rows from t');
  const letters = await windrow.lake(
    readWithDeltaRs,
    'rejected/dead_letter',
    'select stage, reason, count(*)::int as events from t group by 1, 2 order by 1, 2',
  );
  const audit = await windrow.run('audit', '--deep');
  expect(`${audit.stdout}${audit.stderr}`).toContain('it adds up');
  return { postgres: postgres?.rows, windows: windows?.rows, lake: lake?.rows, letters };
}
const rows = (count: number) => ({ postgres: count, windows: count, lake: count });
const beyond = { stage: 'rules', reason: 'latitude_out_of_range', events: 10 };
const withoutCity = { stage: 'replay', reason: 'city_missing', events: 20 };

test('a rule that is changed, and changed back: rows go, come, and come again', {
  timeout: 400_000,
}, async () => {
  expect(await tables()).toEqual({ ...rows(50), letters: [beyond] });

  await release(contract, (text) =>
    text.replace("between('latitude', -90, 90),", '').replace('rules: [', "rules: [required('city'),"),
  );
  expect(countsOf(await replay())).toMatchObject({
    read: 60,
    rows: 30,
    withdrawn: 20,
    resent: 10,
    rejected: 0,
  });
  const changed = { ...rows(40), letters: [withoutCity, beyond] };
  expect(await tables()).toEqual(changed);
  // What was sent again is accepted by now, and what was withdrawn has its dead letter.
  expect(countsOf(await replay())).toMatchObject({
    rows: 40,
    withdrawn: 0,
    resent: 0,
    duplicates: 10,
    rejected: 20,
  });
  expect(await tables()).toEqual(changed);

  await release(contract, (text) => text.replace("required('city'),", ''));
  expect(countsOf(await replay())).toMatchObject({ rows: 60, restored: 20, withdrawn: 0, resent: 0 });
  expect(await tables()).toEqual({ ...rows(60), letters: [withoutCity, beyond] });
});

test('over a change of the schema', { timeout: 200_000 }, async () => {
  await release(schema, (text) => {
    const avro = JSON.parse(text) as { fields: unknown[] };
    avro.fields.push({ name: 'campaign', type: ['null', 'string'], default: null });
    return JSON.stringify(avro);
  });
  const said = JSON.parse(must(events[5])) as Record<string, unknown>;
  writeFileSync(join(copy, 'more.jsonl'), JSON.stringify({ ...said, messageId: 'event-later' }));
  await windrow.windrow('load', '--stream', 'track', 'more.jsonl');
  await windrow.landed();
  expect(countsOf(await replay())).toMatchObject({ rows: 61, withdrawn: 0 });
  const read = await windrow.lake(
    readWithDeltaRs,
    'curated/track',
    'select count(*)::int as rows, count(campaign)::int as campaigns, count(distinct event_id)::int as ids from t',
  );
  expect(read).toEqual([{ rows: 61, campaigns: 0, ids: 61 }]);
  expect(await tables()).toMatchObject(rows(61));
});
