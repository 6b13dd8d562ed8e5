import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { createProgram } from '../program.ts';

const apiKey = 'b1b15e88fa797225412429c1c50c122a1';
const rain = readFileSync(new URL('../weather/fixtures/openweather-rain.json', import.meta.url), 'utf8');
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(answer: (request: IncomingMessage, body: string) => string): Promise<string> {
  const server = createServer(async (request, reply) => reply.end(answer(request, await text(request))));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function poll(env: NodeJS.ProcessEnv, signal: AbortSignal, ...args: string[]) {
  const [printed, noted]: [string[], string[]] = [[], []];
  const program = createProgram({
    ...{ env, stateDir: '/nowhere', signal, interactive: false },
    print: (line) => printed.push(line),
    note: (line) => noted.push(line),
  });
  await program.parseAsync(['weather', 'poll', ...args], { from: 'user' });
  return { printed, noted };
}

test('from the provider to the producer, with the write key, until Ctrl-C', async () => {
  const stop = new AbortController();
  const posted: { url: string | undefined; authorization: string | undefined; body: unknown }[] = [];
  let asked = 0;
  const provider = await serve(({ url }) => {
    expect(new URL(url ?? '', 'http://provider').searchParams.get('appid')).toBe(apiKey);
    asked += 1;
    // The second round finds nothing new; the third one is interrupted.
    if (asked === 5) stop.abort();
    return rain;
  });
  const producer = await serve(({ url, headers: { authorization } }, body) => {
    posted.push({ url, authorization, body: JSON.parse(body) as unknown });
    return '{"success":true}';
  });
  const env = { OPENWEATHER_API_KEY: apiKey, PRODUCER_URL: producer, WINDROW_WRITE_KEY: 'wk_7' };
  const { printed, noted } = await poll(
    ...[env, stop.signal, '--provider', 'openweather', '--provider-url', provider],
    ...['--cities', 'Zurich,Oslo', '--every', '1s'],
  );
  expect(posted.map(({ body }) => (body as { city: string }).city).sort()).toEqual(['Oslo', 'Zurich']);
  expect(posted[0]).toMatchObject({
    url: '/v1/weather',
    authorization: `Basic ${Buffer.from('wk_7:').toString('base64')}`,
    body: { observed_at: '2022-08-30T14:43:12.000Z', temperature_c: 25.33, precip_type: 'rain' },
  });
  expect(noted).toEqual([
    'openweather: 2 observations posted, 0 not new, 0 failed',
    'openweather: 0 observations posted, 2 not new, 0 failed',
  ]);
  expect(printed).toEqual(['openweather: 2 observations posted, 2 not new, 0 failed in all']);
});

test('OpenWeather without a key says where keys come from', async () => {
  const never = new AbortController().signal;
  const run = poll(
    { PRODUCER_URL: 'http://127.0.0.1:9' },
    never,
    '--provider',
    'openweather',
    '--cities',
    'Oslo',
  );
  await expect(run).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('OPENWEATHER_API_KEY'),
  });
});

test.each([
  [['--provider', 'dwd', '--cities', 'Oslo'], 'It must be open-meteo or openweather.'],
  [
    ['--provider', 'open-meteo', '--cities', 'Oslo', '--every', '10'],
    'It must be a duration such as 90s, 10m or 1h.',
  ],
])('%j is used wrongly', async (args, wayOut) => {
  const never = new AbortController().signal;
  await expect(poll({}, never, ...args)).rejects.toThrow(wayOut);
});
