import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadStreams, type StreamContract } from '@windrow/contracts';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { migrate } from './migrate.ts';
import { createDatabase, type TestDatabase } from './testing/test-database.ts';

const contracts = await loadStreams();
let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase(String(inject('endpoints').DATABASE_URL), []);
});
afterAll(() => database.drop());

test('two at once apply every migration once, and later ones nothing', async () => {
  const both = await Promise.all([migrate(database.url, contracts), migrate(database.url, contracts)]);
  expect(both.flat().sort()).toEqual([
    'track/001_track_event',
    'track/002_city_window',
    'track/003_first_questions',
    'track/004_quality',
    'weather/001_weather_observation',
    'weather/002_optional_temperature',
  ]);
  expect(await migrate(database.url, contracts)).toEqual([]);
  const tables = await database.sql<{ name: string }>(
    "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables WHERE table_schema IN ('curated', 'windrow')",
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['curated.track_event', 'curated.city_window', 'windrow.sink_offset']),
  );
});

test('a migration that fails leaves nothing of itself, and runs when it is mended', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'windrow-migrations-'));
  try {
    mkdirSync(join(directory, 'migrations'));
    const file = join(directory, 'migrations/001_orders.sql');
    writeFileSync(file, 'CREATE TABLE public.orders (id text); SELECT nothing_of_that_name;');
    const stream = { name: 'orders', directory } as StreamContract;
    await expect(migrate(database.url, [stream])).rejects.toMatchObject({ code: 'POSTGRES_FAILED' });
    const half = await database.sql("SELECT to_regclass('public.orders') IS NULL AS gone");
    expect(half).toEqual([{ gone: true }]);
    writeFileSync(file, 'CREATE TABLE public.orders (id text);');
    expect(await migrate(database.url, [stream])).toEqual(['orders/001_orders']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a database that is away is told apart from a migration that is wrong', async () => {
  const away = new URL(database.url);
  away.port = '1';
  await expect(migrate(away.href, contracts)).rejects.toMatchObject({
    code: 'POSTGRES_FAILED',
    retriable: true,
  });
});
