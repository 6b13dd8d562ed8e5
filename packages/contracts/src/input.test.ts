import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseInput } from './input.ts';
import { brokenRule } from './rules.ts';
import { loadStreams, streamNamed } from './streams.ts';
import { epochMs } from './time.ts';

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

test.each([
  ['2019-06-04 13:01:11', '2019-06-04T13:01:11.000Z'],
  ['2019-06-04T13:01:11.123Z', '2019-06-04T13:01:11.123Z'],
  ['2019-06-04T13:01:11+0200', '2019-06-04T11:01:11.000Z'],
  ['2019-06-04 13:01:11 UTC', '2019-06-04T13:01:11.000Z'],
  ['2019-06-04', '2019-06-04T00:00:00.000Z'],
  ['1519-06-04 14:13:23', '1519-06-04T14:13:23.000Z'],
  [1_559_653_271_000, '2019-06-04T13:01:11.000Z'],
  ['1559653271000', '2019-06-04T13:01:11.000Z'],
])('the time %s is %s', (text, expected) => {
  expect(new Date(epochMs(text) ?? Number.NaN).toISOString()).toBe(expected);
});

test.each(['yesterday', '2019-02-30 10:00:00', '2019-06-04 25:00:00', '', true, Number.NaN, '12'])(
  '%s is no time',
  (value) => {
    expect(epochMs(value)).toBeUndefined();
  },
);

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
    const reason = result.ok ? (brokenRule(contract.rules, result.record)?.reason ?? 'ok') : result.reason;
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

test('the flattened exports are understood, and their faults named', () => {
  expect(outcomes(track, exported('track_events'))).toEqual({ ok: 61, occurred_at_too_old: 1 });
  expect(outcomes(weather, exported('weather'))).toEqual({
    ok: 20,
    city_missing: 1,
    temperature_c_missing: 1,
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
  [{ city: 'Oslo', observed_at: '2024-01-01', temperature_c: 'NaN' }, 'temperature_c_invalid'],
  [{ city: 'Oslo', observed_at: '2024-01-01', temperature_c: {} }, 'temperature_c_invalid'],
])('%j is refused: %s', (input, reason) => {
  expect(parseInput(weather, input, file)).toMatchObject({ ok: false, reason });
});
