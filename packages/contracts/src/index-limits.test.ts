import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { brokenRule } from './rules.ts';
import { loadStreams, streamNamed } from './streams.ts';

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

/** A stream with the texts `a` to `e`, whose key is `a`. */
async function streamWith(curated: Record<string, unknown>, sql = '', more: Record<string, unknown> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'windrow-limits-'));
  made.push(directory);
  mkdirSync(join(directory, 'orders', 'migrations'), { recursive: true });
  const names = ['a', 'b', 'c', 'd', 'e'];
  const fields = names.map((name) => ({ name, type: ['null', 'string'], default: null }));
  const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
  const schema = { type: 'record', name: 'S', fields: [...fields, at] };
  writeFileSync(join(directory, 'orders', 'schema.avsc'), JSON.stringify(schema));
  writeFileSync(join(directory, 'orders', 'migrations', '001.sql'), sql);
  const definition = {
    ...{ name: 'orders', description: '', id: ['a'], eventTime: 'at', rules: [] },
    topics: { raw: { cleanup: 'delete', retentionMs: 1 } },
    lake: { raw: 'raw/orders' },
    curated: {
      table: 'curated.orders',
      columns: [
        ...names.map((field) => ({ name: `${field}_column`, field, type: 'text' })),
        { name: 'at', field: 'at', type: 'timestamptz' },
      ],
      key: ['a_column', 'at'],
      onConflict: 'ignore',
      ...curated,
    },
    ...more,
  };
  const code = `export default { ...${JSON.stringify(definition)}, key: (r) => r.a, parse: (i) => i };`;
  writeFileSync(join(directory, 'orders', 'contract.ts'), code);
  return streamNamed(await loadStreams(directory), 'orders');
}

/** The longest ASCII text that the rules let pass; null without a bound below 5,000. */
function bound({ rules }: Awaited<ReturnType<typeof streamWith>>, field: string): number | null {
  for (let length = 0; length < 5_000; length++)
    if (brokenRule(rules, { [field]: 'x'.repeat(length + 1) })) return length;
  return null;
}

test('a text of the key has a bound in bytes, and the refusal says the length, the bound, and why', async () => {
  const stream = await streamWith({});
  expect(bound(stream, 'a')).toBe(1_024);
  expect(bound(stream, 'b')).toBeNull();
  expect(brokenRule(stream.rules, { a: 'é'.repeat(512) })).toBeNull();
  expect(brokenRule(stream.rules, { a: `${'é'.repeat(512)}.` })).toEqual({
    reason: 'a_too_long',
    message: expect.stringMatching(
      /^a has 1025 bytes \("?éé.*…"?\); at most 1024, because it is part of the key of curated\.orders in Postgres\. Send a shorter/,
    ),
  });
});

test('texts of one key share its entry', async () => {
  const stream = await streamWith({ key: ['a_column', 'b_column', 'c_column', 'd_column', 'at'] });
  expect(bound(stream, 'a')).toBe(650);
  expect(bound(stream, 'd')).toBe(650);
});

test('the groups of aggregates have bounds; of coalesce, one argument is in the key', async () => {
  const groupBy = { first: "coalesce(b_column, c_column, '')", second: 'lower(d_column) || e_column' };
  const sums = { events: 'count(*)' };
  const stream = await streamWith({ aggregates: [{ table: 'curated.sums', groupBy, sums }] });
  expect(['b', 'c', 'd', 'e'].map((field) => bound(stream, field))).toEqual([866, 866, 866, 866]);
});

test('columns of B-tree indexes that a migration creates have bounds', async () => {
  const stream = await streamWith(
    {},
    `-- CREATE INDEX ON curated.orders (d_column);
     CREATE UNIQUE INDEX IF NOT EXISTS orders_b ON curated.orders (b_column DESC, at) WHERE c_column IS NOT NULL;
     CREATE INDEX ON curated.orders USING gin (to_tsvector('simple', d_column));
     create index on "curated"."orders" using btree (e_column);
     CREATE INDEX ON curated.others (c_column);`,
  );
  expect(['b', 'c', 'd', 'e'].map((field) => bound(stream, field))).toEqual([1_024, null, null, 1_024]);
});

test('a contract declares other bounds, as long as an entry can hold them', async () => {
  const stream = await streamWith({}, '', { maxBytes: { a: 2_000 } });
  expect(bound(stream, 'a')).toBe(2_000);
  await expect(streamWith({}, '', { maxBytes: { a: 2_700 } })).rejects.toThrow(
    /the texts in the key of curated\.orders may take 2700 bytes \(a 2700\); an entry of an index holds 2600/,
  );
  await expect(streamWith({}, '', { maxBytes: { aa: 1 } })).rejects.toThrow(
    /maxBytes: its schema has no field aa; did you mean/,
  );
});

test('the long event name that blocked a replay is refused', async () => {
  const contracts = await loadStreams();
  const { rules } = streamNamed(contracts, 'track');
  const at = Date.parse('2024-05-01T12:00:00Z');
  const event = { event_id: 'e', type: 'track', user_id: 'u', occurred_at: at, received_at: at };
  expect(brokenRule(rules, { ...event, event_name: 'p'.repeat(5_000) })?.reason).toBe('event_name_too_long');
  for (const field of ['event_id', 'user_id', 'city'])
    expect(brokenRule(rules, { ...event, event_name: 'x', [field]: 'p'.repeat(1_025) })?.reason).toBe(
      `${field}_too_long`,
    );
});
