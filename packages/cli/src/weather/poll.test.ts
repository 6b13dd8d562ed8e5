import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brokenRule, loadStreams, parseInput, streamNamed } from '@windrow/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Rejection } from '../producer-client.ts';
import type { Observation, Place, WeatherAdapter } from './adapter.ts';
import { openMeteo } from './open-meteo.ts';
import { openWeather } from './openweather.ts';
import { placesOf } from './places.ts';
import { pollWeather, type Round, WeatherPoll } from './poll.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8');
const apiKey = 'b1b15e88fa797225412429c1c50c122a1';
const [zurich] = placesOf('Zurich') as [Place];

type Handler = (reply: ServerResponse, query: URLSearchParams, number: number) => void;

let server: Server;
let providerUrl: string;
let handle: Handler;
/** The paths and queries that the provider was asked for. */
let asked: URL[];
let posted: Observation[];
let rejections: Rejection[];
let notes: string[];
let stop: AbortController;

beforeEach(async () => {
  [asked, posted, rejections, notes, stop] = [[], [], [], [], new AbortController()];
  server = createServer((request, reply) => {
    const url = new URL(request.url ?? '', providerUrl);
    asked.push(url);
    handle(reply, url.searchParams, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  providerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  stop.abort();
  server.closeAllConnections();
  server.close();
});

function pollOf(adapter: WeatherAdapter, places: Place[] = [zurich]): WeatherPoll {
  return new WeatherPoll({
    adapter,
    places,
    signal: stop.signal,
    note: (line) => notes.push(line),
    fetching: { timeoutMs: 500, attempts: 3, baseMs: 10 },
    producer: {
      post: async (path, body) => {
        expect(path).toBe('/v1/weather');
        posted.push(body as Observation);
        return rejections;
      },
    },
  });
}

const answering =
  (body: string, status = 200): Handler =>
  (reply) =>
    reply.writeHead(status, { 'content-type': 'application/json' }).end(body);

test.each<[string, string, () => WeatherAdapter, Partial<Observation>]>([
  [
    'Open-Meteo, in rain',
    'open-meteo-rain',
    () => openMeteo(providerUrl),
    {
      observed_at: '2026-09-28T15:00:00.000Z',
      temperature_c: 14.3,
      apparent_temperature_c: 12.9,
      humidity: 0.86,
      // 0.3 mm in a quarter of an hour.
      precip_intensity: 1.2,
      precip_type: 'rain',
      visibility_km: 9.82,
      wind_speed_ms: 3.74,
      pressure_hpa: 1_008.9,
    },
  ],
  [
    'Open-Meteo, dry, without a visibility',
    'open-meteo-dry',
    () => openMeteo(providerUrl),
    { temperature_c: 21.6, precip_intensity: 0, precip_type: undefined, visibility_km: undefined },
  ],
  [
    'OpenWeather, in rain',
    'openweather-rain',
    () => openWeather(apiKey, providerUrl),
    {
      observed_at: '2022-08-30T14:43:12.000Z',
      temperature_c: 25.33,
      apparent_temperature_c: 25.59,
      humidity: 0.64,
      precip_intensity: 3.16,
      precip_type: 'rain',
      visibility_km: 10,
      wind_speed_ms: 0.62,
      pressure_hpa: 1_015,
    },
  ],
  [
    'OpenWeather, dry',
    'openweather-clear',
    () => openWeather(apiKey, providerUrl),
    { temperature_c: 19.14, precip_intensity: 0, precip_type: undefined },
  ],
])(
  '%s: a response becomes an observation that the weather stream accepts',
  async (_, name, adapter, expected) => {
    handle = answering(fixture(name));
    expect(await pollOf(adapter()).round()).toEqual({ posted: 1, unchanged: 0, failed: 0 });
    expect(posted[0]).toMatchObject({ ...zurich, ...expected });
    const stream = streamNamed(await loadStreams(), 'weather');
    const body: unknown = JSON.parse(JSON.stringify(posted[0]));
    const parsed = parseInput(stream, body, { kind: 'http', receivedAtMs: Date.now() });
    expect(parsed.ok && brokenRule(stream.rules, parsed.record)).toBeNull();
  },
);

test('Open-Meteo: snow, sleet and hail are distinguished', () => {
  const { current, ...rest } = JSON.parse(fixture('open-meteo-rain')) as { current: object };
  const typeOf = (changes: object) =>
    openMeteo().observation({ ...rest, current: { ...current, ...changes } }, zurich).precip_type;
  const frozen = { rain: 0, showers: 0, snowfall: 0.7 };
  expect(typeOf({ ...frozen, weather_code: 73 })).toBe('snow');
  expect(typeOf({ snowfall: 0.07, weather_code: 71 })).toBe('sleet');
  expect(typeOf({ weather_code: 96 })).toBe('hail');
});

test('OpenWeather: snow and sleet are distinguished', () => {
  const { rain: _, ...answer } = JSON.parse(fixture('openweather-rain')) as Record<string, unknown>;
  const observed = (id: number) =>
    openWeather(apiKey).observation({ ...answer, weather: [{ id }], snow: { '1h': 0.4 } }, zurich);
  expect(observed(601)).toMatchObject({ precip_type: 'snow', precip_intensity: 0.4 });
  expect(observed(616)).toMatchObject({ precip_type: 'sleet', precip_intensity: 0.4 });
});

test('requests name the place and metric units', async () => {
  handle = answering(fixture('open-meteo-dry'));
  await pollOf(openMeteo(providerUrl)).round();
  handle = answering(fixture('openweather-clear'));
  await pollOf(openWeather(apiKey, providerUrl)).round();
  expect(asked.map(({ pathname }) => pathname)).toEqual(['/v1/forecast', '/data/2.5/weather']);
  expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toMatchObject({
    latitude: '47.3769',
    longitude: '8.5417',
    current: expect.stringContaining('temperature_2m,'),
    wind_speed_unit: 'ms',
    timeformat: 'unixtime',
  });
  expect(Object.fromEntries(asked[1]?.searchParams ?? [])).toEqual({
    lat: '47.3769',
    lon: '8.5417',
    units: 'metric',
    appid: apiKey,
  });
});

test('an observation is posted once, and a newer one is posted', async () => {
  const poll = pollOf(openMeteo(providerUrl));
  handle = answering(fixture('open-meteo-rain'));
  await poll.round();
  expect(await poll.round()).toEqual({ posted: 0, unchanged: 1, failed: 0 });
  handle = answering(fixture('open-meteo-rain').replace('1790607600', '1790608500'));
  expect(await poll.round()).toEqual({ posted: 1, unchanged: 0, failed: 0 });
  expect(posted.map(({ observed_at }) => observed_at)).toEqual([
    '2026-09-28T15:00:00.000Z',
    '2026-09-28T15:15:00.000Z',
  ]);
});

const hang: Handler = () => undefined;
const cut: Handler = (reply) => {
  reply.writeHead(200, { 'content-length': '5000' }).write('{"current":');
  reply.destroy();
};

test.each<[string, Handler, RegExp, number]>([
  [
    '429',
    answering('Hourly API request limit exceeded.', 429),
    /responded with 429: Hourly API request limit/,
    3,
  ],
  ['500', answering('', 500), /responded with 500/, 3],
  ['a response that is not JSON', answering('<html>Bad gateway'), /not JSON: <html>Bad gateway/, 3],
  ['a response that never comes', hang, /did not respond within 500 ms/, 3],
  ['a response that is cut off', cut, /cannot be reached/, 3],
  [
    'an error of the request',
    answering(fixture('open-meteo-error'), 400),
    /responded with 400: .*Latitude must be/,
    1,
  ],
  ['a response of another shape', answering('{"current":{}}'), /does not fit: current\.time: /, 1],
])(
  'after %s nothing is posted, the city and the reason are reported, and the next round tries again',
  async (_, fault, reason, tries) => {
    const poll = pollOf(openMeteo(providerUrl));
    handle = fault;
    expect(await poll.round()).toEqual({ posted: 0, unchanged: 0, failed: 1 });
    expect(posted).toEqual([]);
    expect(asked).toHaveLength(tries);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^Zurich: 127\.0\.0\.1:\d+ /);
    expect(notes[0]).toMatch(reason);
    handle = answering(fixture('open-meteo-rain'));
    expect(await poll.round()).toEqual({ posted: 1, unchanged: 0, failed: 0 });
  },
);

test('a failure that a retry resolves is not reported', async () => {
  handle = (reply, _, number) =>
    answering(number === 1 ? 'busy' : fixture('open-meteo-rain'), number === 1 ? 503 : 200)(reply, _, number);
  expect(await pollOf(openMeteo(providerUrl)).round()).toEqual({ posted: 1, unchanged: 0, failed: 0 });
  expect(notes).toEqual([]);
});

test('a city that fails does not stop the others', async () => {
  const places = placesOf('Zurich,New York,Tokyo,Sydney,Nairobi,Oslo');
  const tokyo = places.find(({ city }) => city === 'Tokyo');
  handle = (reply, query, number) =>
    query.get('latitude') === String(tokyo?.latitude)
      ? hang(reply, query, number)
      : answering(fixture('open-meteo-dry'))(reply, query, number);
  const round = await pollOf(openMeteo(providerUrl), places).round();
  expect(round).toEqual({ posted: 5, unchanged: 0, failed: 1 });
  expect(posted.map(({ city }) => city).sort()).toEqual(['Nairobi', 'New York', 'Oslo', 'Sydney', 'Zurich']);
  expect(notes).toEqual([expect.stringMatching(/^Tokyo: /)]);
});

test('the key is masked even if the response repeats it', async () => {
  handle = answering(`{"cod":401,"message":"Invalid API key ${apiKey}"}`, 401);
  await pollOf(openWeather(apiKey, providerUrl)).round();
  expect(notes).toEqual([expect.stringMatching(/^Zurich: .*responded with 401: .*Invalid API key \*\*\*/)]);
});

test('a rejected key is not retried', async () => {
  handle = answering(fixture('openweather-no-key'), 401);
  expect(await pollOf(openWeather('wrong', providerUrl)).round()).toMatchObject({ failed: 1 });
  expect(asked).toHaveLength(1);
});

test('an observation that the producer rejects is reported with the reason', async () => {
  handle = answering(fixture('open-meteo-rain'));
  rejections = [{ reason: 'humidity_out_of_range', message: 'humidity is 86' }];
  expect(await pollOf(openMeteo(providerUrl)).round()).toEqual({ posted: 0, unchanged: 0, failed: 1 });
  expect(notes).toEqual(['Zurich: the producer rejected it: humidity_out_of_range: humidity is 86']);
});

test('rounds continue until the signal, which also ends the current round', async () => {
  handle = answering(fixture('open-meteo-rain'));
  const rounds: Round[] = [];
  await pollWeather(pollOf(openMeteo(providerUrl)), {
    everyMs: 20,
    signal: stop.signal,
    onRound(round) {
      rounds.push(round);
      if (rounds.length === 3) handle = () => stop.abort();
    },
  });
  expect(rounds).toEqual([
    { posted: 1, unchanged: 0, failed: 0 },
    { posted: 0, unchanged: 1, failed: 0 },
    { posted: 0, unchanged: 1, failed: 0 },
  ]);
});

test('an unknown city is named, together with the known ones', () => {
  expect(() => placesOf('Zurich,Atlantis')).toThrow(
    /"Atlantis" is neither a known city.*Known cities: Zurich, New York/,
  );
  expect(() => placesOf('Zurich, zurich')).toThrow(/names Zurich twice/);
});
