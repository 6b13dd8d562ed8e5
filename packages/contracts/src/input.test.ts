import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inTimezone } from './in-timezone.ts';
import { parseInput } from './input.ts';
import { ruleCheck } from './rule-check.ts';
import { loadStreams, streamNamed } from './streams.ts';

const contracts = await loadStreams();
const track = streamNamed(contracts, 'track');
const weather = streamNamed(contracts, 'weather');
const file = { kind: 'file' } as const;
const receivedAtMs = Date.parse('2024-05-01T12:00:00Z');
const http = { kind: 'http', receivedAtMs } as const;

function recordOf(result: ReturnType<typeof parseInput>) {
  if (!result.ok) throw new Error(result.message);
  return result.record;
}

test('a Segment message becomes a record; what is nested becomes JSON text', () => {
  const record = recordOf(
    parseInput(
      track,
      {
        type: 'track',
        messageId: 'm-1',
        anonymousId: 'a-1',
        event: 'Ride Started',
        timestamp: '2024-05-01T11:59:00.000Z',
        properties: { rating: 5 },
        context: {
          timezone: 'Europe/Zurich',
          os: { name: 'iOS' },
          location: { city: 'Zurich', latitude: 47.4 },
        },
      },
      file,
    ),
  );
  expect(record).toMatchObject({
    event_id: 'm-1',
    event_name: 'Ride Started',
    occurred_at: Date.parse('2024-05-01T11:59:00Z'),
    city: 'Zurich',
    latitude: 47.4,
    timezone: 'Europe/Zurich',
    os_name: 'iOS',
    properties: '{"rating":5}',
    user_id: null,
  });
});

test('without an id, the content gives one: the same for the same content, whatever the order of keys', () => {
  const id = (input: object) => recordOf(parseInput(track, input, file)).event_id;
  const one = { event: 'A', userId: 'u', timestamp: '2024-05-01T00:00:00Z', properties: { a: 1, b: [2] } };
  const same = { properties: { b: [2], a: 1 }, timestamp: '2024-05-01T00:00:00Z', userId: 'u', event: 'A' };
  expect(id(one)).toBe(id(same));
  expect(id(one)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
  expect(id({ ...one, properties: { a: 2 } })).not.toBe(id(one));
});

test("over HTTP a device's clock error is corrected; in files and within a minute times stay as they are", () => {
  const message = {
    event: 'A',
    userId: 'u',
    timestamp: '2024-05-01T10:00:00.000Z',
    sentAt: '2024-05-01T10:00:30.000Z',
    receivedAt: '2024-05-01T10:00:31.000Z',
  };
  expect(recordOf(parseInput(track, message, http))).toMatchObject({
    occurred_at: receivedAtMs - 30_000,
    received_at: receivedAtMs,
  });
  expect(recordOf(parseInput(track, message, file))).toMatchObject({
    occurred_at: Date.parse(message.timestamp),
    received_at: Date.parse(message.receivedAt),
  });
  const punctual = { ...message, timestamp: '2024-05-01T11:59:00Z', sentAt: '2024-05-01T11:59:30Z' };
  expect(recordOf(parseInput(track, punctual, http))).toMatchObject({
    occurred_at: Date.parse(punctual.timestamp),
  });
});

const days = 86_400_000;
const at = (ms: number) => new Date(ms).toISOString();

test.each<[string, { sentAt: unknown; timestamp?: unknown }, object, string[]]>([
  [
    'a phone that was offline for three days',
    { sentAt: at(receivedAtMs), timestamp: at(receivedAtMs - 3 * days) },
    { occurred_at: receivedAtMs - 3 * days },
    [],
  ],
  [
    'such a phone whose clock is an hour behind',
    { sentAt: at(receivedAtMs - 3_600_000), timestamp: at(receivedAtMs - 3 * days) },
    { occurred_at: receivedAtMs - 3 * days + 3_600_000 },
    [],
  ],
  [
    'an event that was sent three days before it happened',
    { sentAt: at(receivedAtMs - 3 * days), timestamp: at(receivedAtMs - 1_000) },
    { occurred_at: receivedAtMs - 1_000, sent_at: receivedAtMs - 3 * days },
    ['clock_implausible'],
  ],
  [
    'an event that was sent twelve hours before it happened',
    { sentAt: at(receivedAtMs - days / 2), timestamp: at(receivedAtMs - 1_000) },
    { occurred_at: receivedAtMs - 1_000 },
    ['clock_implausible'],
  ],
  [
    'a clock that is two days ahead',
    { sentAt: at(receivedAtMs + 2 * days), timestamp: at(receivedAtMs - 5_000) },
    { occurred_at: receivedAtMs - 5_000, sent_at: receivedAtMs + 2 * days },
    [],
  ],
  [
    'a clock at its start in 1970',
    { sentAt: '1970-01-01T00:00:05Z', timestamp: at(receivedAtMs - 5_000) },
    { occurred_at: receivedAtMs - 5_000, sent_at: 5_000 },
    ['clock_implausible'],
  ],
  [
    "Go's time zero",
    { sentAt: '0001-01-01T00:00:00Z', timestamp: at(receivedAtMs - 5_000) },
    { occurred_at: receivedAtMs - 5_000, sent_at: Date.parse('0001-01-01T00:00:00Z') },
    ['clock_implausible'],
  ],
  [
    'the year 287168',
    { sentAt: '+287168-10-07T04:00:00Z', timestamp: at(receivedAtMs - 5_000) },
    { occurred_at: receivedAtMs - 5_000, sent_at: null },
    ['clock_implausible'],
  ],
  [
    'a number of sixteen digits without a timestamp',
    { sentAt: 9_000_000_000_000_000 },
    { occurred_at: receivedAtMs, sent_at: 9_000_000_000_000 },
    ['time_unit_guessed'],
  ],
  ['no timestamp', { sentAt: at(receivedAtMs - 3_600_000) }, { occurred_at: receivedAtMs }, []],
])('the clock of the sender: %s', (_, times, expected, warnings) => {
  const result = parseInput(track, { event: 'A', userId: 'u', ...times }, http);
  expect(result).toMatchObject({ ok: true, record: expected });
  expect(result.ok ? (result.warnings ?? []) : []).toEqual(warnings);
});

test('the contract says how inputs write a time', () => {
  const zurich = {
    ...weather,
    times: { observed_at: { timezone: 'Europe/Zurich', formats: ['d.M.yyyy H:mm'] } },
  };
  const seconds = { ...weather, times: { observed_at: { unit: 'seconds' } } } as const;
  const observed = (contract: typeof weather, observed_at: unknown) =>
    parseInput(contract, { city: 'Bern', temperature_c: 1, observed_at }, file);
  const at = (time: string) => ({ ok: true, record: { observed_at: Date.parse(time) } });
  expect(observed(zurich, '31.3.2024 2:30')).toMatchObject({
    ...at('2024-03-31T01:30:00Z'),
    warnings: ['local_time_skipped'],
  });
  expect(observed(zurich, '2024-05-01T12:00:00Z')).toMatchObject(at('2024-05-01T12:00:00Z'));
  expect(observed(seconds, 1_795_856_400)).toMatchObject(at('2026-11-28T09:00:00Z'));
  expect(observed(seconds, 1_795_856_400)).not.toHaveProperty('warnings');
  expect(observed(seconds, 1_795_856_400_000)).toEqual({
    ok: false,
    reason: 'observed_at_invalid',
    message:
      'observed_at is 1795856400000; expected seconds since 1970; it looks like milliseconds since 1970; this field takes seconds',
  });
  expect(observed(weather, 1_795_856_400)).toMatchObject({
    ...at('2026-11-28T09:00:00Z'),
    warnings: ['time_unit_guessed'],
  });
  expect(observed(weather, 1_795_856_400_000_000)).toMatchObject(at('2026-11-28T09:00:00Z'));
});

/** The export's objects, one a line; lines that are no JSON are left to the file readers. */
function exported(name: string): object[] {
  const text = readFileSync(
    new URL(`../../../examples/flattened-export/${name}.json`, import.meta.url),
    'utf8',
  );
  return text.split('\n').flatMap((line) => {
    try {
      return line.startsWith('{') ? [JSON.parse(line.replace(/,$/, ''))] : [];
    } catch {
      return [];
    }
  });
}

function outcomes(contract: typeof track, inputs: object[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const input of inputs) {
    const result = parseInput(contract, input, file);
    const judgement = result.ok ? ruleCheck(contract)(result.record, result.notes) : result;
    const reason = judgement === null || judgement.ok ? 'ok' : judgement.reason;
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

test('the flattened exports are understood, and their faults named', () => {
  expect(outcomes(track, exported('track_events'))).toEqual({ ok: 61, occurred_at_too_old: 1 });
  expect(outcomes(weather, exported('weather'))).toEqual({
    ok: 21,
    city_missing: 1,
  });
});

test('texts, as CSV has them, become the types of the schema', () => {
  const record = recordOf(
    parseInput(
      weather,
      { city: 'Oslo', observed_at: '2024-01-01 00:00:00', temperature_c: '-3.5', humidity: '' },
      file,
    ),
  );
  expect(record).toMatchObject({
    temperature_c: -3.5,
    humidity: null,
    observed_at: Date.parse('2024-01-01T00:00:00Z'),
  });
});

test.each([
  [null, 'not_an_object'],
  [[], 'not_an_object'],
  [{ observed_at: '2024-01-01', temperature_c: 1 }, 'city_missing'],
  [{ city: 'Oslo', observed_at: 'never', temperature_c: 1 }, 'observed_at_invalid'],
  [{ city: 'Oslo', observed_at: '+12024-01-01', temperature_c: 1 }, 'observed_at_out_of_range'],
])('%j is refused: %s', (input, reason) => {
  expect(parseInput(weather, input, file)).toMatchObject({ ok: false, reason });
});

test('a zone for all times of a file replaces that of the contract, and nothing else', () => {
  const formatted = {
    ...weather,
    times: { observed_at: { timezone: 'Asia/Tokyo', formats: ['d.M.yyyy H:mm'] } },
  };
  const observed = (contract: typeof weather, observed_at: string) =>
    recordOf(parseInput(contract, { city: 'Bern', temperature_c: 1, observed_at }, file)).observed_at;
  const noon = Date.parse('2024-05-01T12:00:00Z');
  expect(observed(weather, '2024-05-01 12:00')).toBe(noon);
  expect(observed(inTimezone(weather, 'Europe/Zurich'), '2024-05-01 14:00')).toBe(noon);
  expect(observed(inTimezone(formatted, 'Europe/Zurich'), '1.5.2024 14:00')).toBe(noon);
  expect(observed(inTimezone(formatted, 'Europe/Zurich'), '2024-05-01T12:00Z')).toBe(noon);
});
