import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { enrichedSchema } from './enriched-schema.ts';
import { landedTopic } from './landed-topic.ts';
import { loadStreams, streamNamed } from './streams.ts';

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

/** A streams folder with one stream of the given definition. */
function streamsWith(name: string, definition: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'windrow-streams-'));
  made.push(directory);
  mkdirSync(join(directory, name));
  const fields = [{ name: 'id', type: 'string' }];
  writeFileSync(join(directory, name, 'schema.avsc'), JSON.stringify({ type: 'record', name: 'S', fields }));
  writeFileSync(join(directory, name, 'contract.ts'), `export default ${definition};`);
  return directory;
}

test('a folder is a stream', async () => {
  const definition = `{ name: 'orders', description: '', id: ['id'], key: (r) => r.id, eventTime: 'id',
    topics: { raw: { cleanup: 'delete', retentionMs: 1 } }, parse: (i) => i, rules: [], lake: { raw: 'raw/orders' } }`;
  const [orders] = await loadStreams(streamsWith('orders', definition));
  expect(orders).toMatchObject({ name: 'orders', topics: { raw: { name: 'orders.raw' } } });
  expect(orders && landedTopic(orders)).toBe('orders.raw');
});

test('a contract that contradicts itself says all that is wrong', async () => {
  const definition = `{ name: 'orders', description: '', id: ['nope'], key: (r) => r.id, eventTime: 'when',
    topics: { raw: { cleanup: 'delete', retentionMs: 1 } }, parse: (i) => i, rules: [], dedupe: { horizonMs: 1 },
    jsonFields: ['extra'], lake: { raw: 'raw/orders' } }`;
  await expect(loadStreams(streamsWith('orders', definition))).rejects.toThrow(
    /no field nope[\s\S]*no field when[\s\S]*no field extra[\s\S]*need topics.enriched/,
  );
});

test('the enriched schema has the raw fields, then the fields that the join adds, all of them nullable', async () => {
  const contracts = await loadStreams();
  const track = streamNamed(contracts, 'track');
  const added = enrichedSchema(track, contracts).fields.slice(track.schema.fields.length);
  expect(added.map(({ name }) => name).slice(0, 5)).toEqual([
    'weather_match',
    'weather_age_s',
    'weather_observed_at',
    'weather_city',
    'temperature_c',
  ]);
  for (const field of added) expect(field.type).toContain('null');
  expect(() => streamNamed(contracts, 'nope')).toThrow(/there are: track, weather/);
});
