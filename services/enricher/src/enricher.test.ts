import { randomUUID } from 'node:crypto';
import type { Account, EventRecord } from '@windrow/contracts';
import { afterAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { flights, type Installation, installation, type Read } from '../fixtures/installation.ts';

let here: Installation;
const opened: Installation[] = [];
beforeEach(async () => {
  here = await installation(inject('endpoints'));
  opened.push(here);
});
afterAll(() => Promise.all(opened.map((each) => each.close())));

const waitMs = { timeout: 40_000, interval: 100 };
const done = () => vi.waitFor(async () => expect(await here.isDone()).toBe(true), waitMs);

async function enriching(run: () => Promise<void>): Promise<void> {
  const enricher = here.start();
  try {
    await enricher.started;
    await run();
    expect(enricher.failures).toEqual([]);
  } finally {
    await enricher.stop();
  }
}

const startMs = Date.parse('2024-05-01T12:00:00Z');

function event(values: EventRecord = {}): EventRecord {
  const nulls = Object.fromEntries(here.of('track').schema.fields.map(({ name }) => [name, null]));
  const event_id = randomUUID();
  return {
    ...nulls,
    ...{
      event_id,
      type: 'track',
      event_name: 'Seen',
      user_id: 'u',
      occurred_at: startMs,
      received_at: startMs,
    },
    ...values,
  };
}

function observation(values: EventRecord = {}): EventRecord {
  const nulls = Object.fromEntries(here.of('weather').schema.fields.map(({ name }) => [name, null]));
  return { ...nulls, city: 'Zurich', observed_at: startMs, temperature_c: 12, ...values };
}

/** Every range of each partition joins the one before, and every count adds up. */
function expectAccountsToAddUp(accounts: Account[]) {
  const next = new Map<string, number>();
  const total = { consumed: 0, accepted: 0, duplicates: 0, rejected: 0 };
  for (const account of accounts.toSorted((a, b) => a.first_offset - b.first_offset)) {
    const name = `${account.topic}/${account.partition}`;
    expect(account.first_offset).toBe(next.get(name) ?? 0);
    next.set(name, account.next_offset);
    const rejected = Object.values(account.rejected).reduce((sum, count) => sum + count, 0);
    expect(account.accepted + account.duplicates + account.deletions + rejected).toBe(account.consumed);
    total.consumed += account.consumed;
    total.accepted += account.accepted;
    total.duplicates += account.duplicates;
    total.rejected += rejected;
  }
  return total;
}

const idsOf = (all: Read<EventRecord>[]) => all.map(({ value }) => value.event_id as string);

test('January’s flights all meet their weather, sent right after it', async () => {
  const { track, weather, expected } = flights(here);
  await enriching(async () => {
    await here.send('weather', weather);
    await here.send('track', track);
    await done();
  });
  const all = await here.enriched('track');
  expect(new Set(idsOf(all)).size).toBe(expected.n);
  const rows = all.map(({ value }) => ({
    match: value.weather_match,
    wet: value.precip_type !== null,
    temperature: value.temperature_c as number,
    delay: (JSON.parse(value.properties as string) as { dep_delay_min: number | null }).dep_delay_min,
  }));
  expect(rows).toHaveLength(expected.n);
  expect(rows.filter(({ match }) => match === 'matched')).toHaveLength(expected.n);
  expect(rows.filter(({ wet }) => wet)).toHaveLength(expected.wet);
  expect(rows.reduce((sum, { temperature }) => sum + temperature, 0)).toBeCloseTo(expected.sum_temp_c, 1);
  const meanDelay = (wanted: boolean) => {
    const delays = rows.flatMap(({ wet, delay }) => (wet === wanted ? (delay ?? []) : []));
    return delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
  };
  expect(meanDelay(true)).toBeCloseTo(expected.avg_delay_wet, 3);
  expect(meanDelay(false)).toBeCloseTo(expected.avg_delay_dry, 3);
  expect(expectAccountsToAddUp(await here.accounts())).toEqual({
    consumed: expected.n + weather.length,
    accepted: expected.n + weather.length,
    duplicates: 0,
    rejected: 0,
  });
});

test('stopped and started in the middle, nothing is lost and nothing is there twice', async () => {
  const { track, weather } = flights(here);
  await here.send('weather', weather);
  await here.send('track', track);
  for (let round = 0; round < 4; round++) {
    await enriching(() =>
      vi.waitFor(async () => {
        const accounts = await here.accounts();
        expect(accounts.filter(({ stream }) => stream === 'track').length).toBeGreaterThan(round);
      }, waitMs),
    );
  }
  // The same again, to a process that has to know the ids of its predecessors.
  await here.send('track', track.slice(0, 5_000));
  await enriching(done);
  const ids = idsOf(await here.enriched('track'));
  expect(ids).toHaveLength(track.length);
  expect(new Set(ids).size).toBe(track.length);
  expect(expectAccountsToAddUp(await here.accounts())).toMatchObject({ duplicates: 5_000, rejected: 0 });
});

test('duplicates go nowhere: within a batch, between batches, and not after a dead letter', async () => {
  const [first, second] = [event(), event()];
  await here.send('track', [first, first, second]);
  await enriching(async () => {
    await done();
    await here.send('track', [second, { ...first, type: 'unheard-of' }]);
    const rejected = event({ type: 'trak' });
    await here.send('track', [rejected, { ...rejected, type: 'track' }]);
    await done();
    const ids = idsOf(await here.enriched('track'));
    expect(ids).toEqual([first.event_id, second.event_id, rejected.event_id]);
  });
  expect(expectAccountsToAddUp(await here.accounts())).toEqual({
    consumed: 7,
    accepted: 3,
    duplicates: 2,
    rejected: 2,
  });
});

test('what is bad becomes a dead letter with its bytes, and holds up nothing', async () => {
  const good = event();
  const [encoded] = here.encoded('track', [good]);
  const bytes = encoded?.value as Buffer;
  const unknownSchema = Buffer.from(bytes);
  unknownSchema.writeInt32BE(2_000_000_000, 1);
  const key = 'k';
  const headers = { source: 'test' };
  await here.sendRaw('track', [
    { key, value: Buffer.from('{"json": true}'), headers },
    { key, value: unknownSchema },
    { key, value: bytes.subarray(0, 30) },
    { key, value: Buffer.concat([bytes, Buffer.from([1])]) },
    { key, value: null },
    ...here.encoded('track', [
      event({ occurred_at: Date.parse('1999-12-31') }),
      event({ anonymous_id: null, user_id: null }),
    ]),
    ...here.encoded('track', [good], headers),
  ]);
  await here.send('weather', [observation({ temperature_c: 5000 }), observation()]);
  await enriching(done);
  const letters = await here.deadLetters();
  const counted = letters.map(({ stream, stage, reason }) => `${stream} ${stage}/${reason}`).sort();
  expect(counted).toEqual(
    [
      'track decode/not_avro',
      'track decode/not_avro',
      'track decode/not_avro',
      'track decode/unknown_schema',
      'track decode/empty',
      'track rules/occurred_at_too_old',
      'track rules/user_id_or_anonymous_id_missing',
      'weather rules/temperature_c_out_of_range',
    ].sort(),
  );
  const json = letters.find(({ value }) => value?.toString().startsWith('{'));
  expect(json).toMatchObject({ headers, attempts: 1, service: 'enricher', topic: here.topicOf('track') });
  expect(json?.value?.toString()).toBe('{"json": true}');
  const passed = await here.enriched('track');
  expect(idsOf(passed)).toEqual([good.event_id]);
  expect(passed[0]?.input.headers).toEqual(headers);
  expect(expectAccountsToAddUp(await here.accounts())).toMatchObject({ accepted: 2, rejected: 8 });
});

test('weather that was there before an event is seen by it, at every step', async () => {
  await enriching(async () => {
    for (let step = 0; step < 30; step++) {
      const occurred_at = startMs + step * 60_000;
      await here.send('weather', [observation({ observed_at: occurred_at, temperature_c: step })]);
      await here.send('track', [event({ occurred_at, received_at: occurred_at, city: 'Zurich' })]);
    }
    await done();
  });
  const all = (await here.enriched('track')).map(({ value }) => value);
  expect(all).toHaveLength(30);
  for (const { occurred_at, temperature_c, weather_age_s } of all) {
    expect(temperature_c).toBe(((occurred_at as number) - startMs) / 60_000);
    expect(weather_age_s).toBe(0);
  }
});

test('corrections replace, tombstones delete, bad rows are no rows', async () => {
  const weatherOf = (values: EventRecord) => here.encoded('weather', [observation(values)])[0];
  const wrong = weatherOf({ temperature_c: 1 });
  const deleted = weatherOf({ observed_at: startMs + 1000, temperature_c: 2 });
  await here.sendRaw('weather', [
    wrong as NonNullable<typeof wrong>,
    ...here.encoded('weather', [observation({ temperature_c: 3 })]),
    deleted as NonNullable<typeof deleted>,
    { key: deleted?.key ?? null, value: null },
    ...here.encoded('weather', [observation({ observed_at: startMs + 2000, temperature_c: 999 })]),
  ]);
  await here.send('track', [
    event({ occurred_at: startMs + 5000, received_at: startMs + 5000, city: 'Zurich' }),
  ]);
  await enriching(done);
  const [joined] = await here.enriched('track');
  expect(joined?.value).toMatchObject({ temperature_c: 3, weather_age_s: 5, weather_observed_at: startMs });
  const ofWeather = (await here.accounts()).filter(({ stream }) => stream === 'weather');
  expect(ofWeather.reduce((sum, { deletions }) => sum + deletions, 0)).toBe(1);
  expect((await here.deadLetters()).map(({ stage, reason }) => `${stage}/${reason}`)).toEqual([
    'rules/temperature_c_out_of_range',
  ]);
});

test('the output is in the partition of its input, with its key, in its order', async () => {
  const events = Array.from({ length: 200 }, (_, index) => event({ user_id: `u${index % 9}` }));
  await here.send('track', events);
  await enriching(done);
  const all = await here.enriched('track');
  expect(new Set(all.map(({ partition }) => partition)).size).toBe(2);
  const byUser = Map.groupBy(all, ({ value }) => value.user_id);
  for (const [user, own] of byUser) {
    expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
    expect(own.map(({ input }) => input.key?.toString())).toEqual(own.map(() => user));
    expect(own.map(({ value }) => value.event_id)).toEqual(
      events.filter(({ user_id }) => user_id === user).map(({ event_id }) => event_id),
    );
  }
});

test('the metrics say what became of the events, and ready means ready', async () => {
  await here.send('weather', [observation()]);
  const one = event({ city: 'Zurich' });
  await here.send('track', [
    one,
    one,
    event({ type: 'trak' }),
    event({ latitude: 91, longitude: Number.NaN }),
    event({ timezone: 'Europe/Zurich' }),
    event(),
  ]);
  const enricher = here.start();
  try {
    await enricher.started;
    await done();
    await vi.waitFor(() => expect(enricher.readiness.reasons()).toEqual({}), waitMs);
    const text = await enricher.registry.metrics();
    const value = (series: RegExp) =>
      Number(
        text
          .split('\n')
          .find((line) => series.test(line))
          ?.split(' ')
          .at(-1),
      );
    expect(value(/^windrow_events_total\{.*stream="track",outcome="ok"/)).toBe(4);
    expect(value(/^windrow_events_total\{.*stream="track",outcome="drop"/)).toBe(1);
    expect(value(/^windrow_events_total\{.*stream="track",outcome="deadLetter"/)).toBe(1);
    expect(value(/^windrow_dead_letters_total\{.*stage="rules",reason="type_unknown"/)).toBe(1);
    expect(value(/^windrow_quality_notes_total\{.*field="latitude",reason="latitude_out_of_range"/)).toBe(1);
    expect(value(/^windrow_join_matches_total\{.*match="matched"/)).toBe(2);
    expect(value(/^windrow_join_matches_total\{.*match="no_location"/)).toBe(2);
    expect(value(/^windrow_reference_table_rows\{.*stream="weather"/)).toBe(1);
    expect(value(/^windrow_dedupe_ids\{.*stream="track"/)).toBe(4);
    expect(value(/^windrow_watermark_timestamp_seconds\{.*stream="track"/)).toBe(startMs / 1000);
    expect(value(/^windrow_consumer_lag\{.*track\.raw/)).toBe(0);
    expect(value(/^windrow_rebalances_total\{/)).toBeGreaterThanOrEqual(1);
  } finally {
    await enricher.stop();
  }
});
