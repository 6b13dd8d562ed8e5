import { finished } from 'node:stream/promises';
import { type CuratedMapping, type EventRecord, longValue, type PostgresType } from '@windrow/contracts';
import fc from 'fast-check';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { CopyRows } from './copy-rows.ts';
import { statementsOf } from './statements.ts';

const types: Record<string, PostgresType> = {
  name: 'text',
  at: 'timestamptz',
  amount: 'double precision',
  big: 'bigint',
  small: 'integer',
  flag: 'boolean',
  doc: 'jsonb',
};
const mapping: CuratedMapping = {
  table: 'public.samples',
  columns: Object.entries(types).map(([name, type]) => ({ name, field: name, type })),
  key: ['name'],
  onConflict: 'ignore',
};
const statements = statementsOf(mapping);
const db = new pg.Client({ connectionString: inject('endpoints').DATABASE_URL });

beforeAll(async () => {
  await db.connect();
  await db.query(statements.createStaging);
});
afterAll(() => db.end());

/** Writes the rows and reads them back in a form that JavaScript can compare exactly. */
async function roundTrip(rows: CopyRows, from?: number, to?: number): Promise<EventRecord[]> {
  await db.query('BEGIN');
  const copy = db.query(copyFrom(statements.copy));
  for (const piece of rows.stream(from, to)) copy.write(piece);
  copy.end();
  await finished(copy);
  const { rows: read } = await db.query<EventRecord>(
    `SELECT name, round(extract(epoch FROM at) * 1000)::text AS at, amount, big::text AS big, small, flag, doc
     FROM staging_public_samples ORDER BY row_number`,
  );
  await db.query('COMMIT');
  return read.map((row) => ({
    ...row,
    at: row.at === null ? null : Number(row.at),
    big: row.big === null ? null : longValue(BigInt(String(row.big))),
  }));
}

const sendable = fc.string({ unit: 'binary', maxLength: 120 }).filter((text) => !text.includes('\0'));
/** JSON that jsonb returns unchanged: no U+0000, and no number that numeric would write differently. */
const json = fc.dictionary(
  fc.string({ unit: 'grapheme-ascii' }),
  fc.oneof(sendable, fc.integer(), fc.boolean()),
);
const nullable = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
const record = fc.record({
  name: nullable(sendable),
  at: nullable(fc.integer({ min: Date.UTC(-3000, 0, 1), max: Date.UTC(9999, 0, 1) })),
  amount: nullable(fc.double()),
  big: nullable(
    fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(longValue)),
  ),
  small: nullable(fc.integer()),
  flag: nullable(fc.boolean()),
  doc: nullable(json.map((value) => JSON.stringify(value))),
});

test('every type comes back from Postgres as it was sent', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 50 }), async (records) => {
      const rows = new CopyRows(mapping);
      for (const one of records) expect(rows.add(one)).toBeNull();
      const expected = records.map((one) => ({ ...one, doc: one.doc === null ? null : JSON.parse(one.doc) }));
      expect(await roundTrip(rows)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('a part of the rows is a stream of its own', async () => {
  const rows = new CopyRows(mapping);
  for (let small = 0; small < 10; small++) rows.add({ small });
  const part = await roundTrip(rows, 3, 6);
  expect(part.map(({ small }) => small)).toEqual([3, 4, 5]);
  expect(await roundTrip(rows, 0, 1)).toHaveLength(1);
});

test.each([
  ['U+0000 in a short text', { name: 'a\0b' }],
  ['U+0000 in a long text', { name: `${'ä'.repeat(100)}\0` }],
  ['invalid JSON', { doc: '{"a":' }],
  ['a fraction for a whole number', { big: 1.5 }],
  ['an integer out of range', { small: 2 ** 31 }],
  ['a long out of range of an integer', { small: 2n ** 60n }],
  ['a long that no double is', { amount: 2n ** 60n + 1n }],
  ['a time of year 292 million', { at: 2n ** 63n - 1n }],
  ['a text for a number', { amount: '1' }],
])('%s is refused, and the rows around it are not', async (_, bad) => {
  const rows = new CopyRows(mapping);
  expect(rows.add({ small: 1, name: 'before' })).toBeNull();
  expect(rows.add({ small: 2, name: 'bad', ...bad })).toEqual(
    expect.stringMatching(/^(name|doc|big|small|amount|at): /),
  );
  expect(rows.add({ small: 3, name: 'after' })).toBeNull();
  expect((await roundTrip(rows)).map(({ name }) => name)).toEqual(['before', 'after']);
});

test('the days of the partition column are collected, and times that no partition can have are refused', () => {
  const rows = new CopyRows({ ...mapping, partitionByDay: 'at' });
  expect(rows.add({ at: Date.parse('1969-12-31T23:59:59.999Z') })).toBeNull();
  expect(rows.add({ at: Date.parse('1970-01-02T00:00:00Z') })).toBeNull();
  expect([...rows.days]).toEqual([-1, 1]);
  expect(rows.add({ at: Date.UTC(12_000, 0, 1) })).toMatch(/years 1 to 9999/);
  expect(rows.add({ at: 2n ** 63n - 1n })).toMatch(/years 1 to 9999/);
});
