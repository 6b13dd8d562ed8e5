import { finished } from 'node:stream/promises';
import { avroType, type CuratedMapping, type PostgresType, unscaledBytes } from '@windrow/contracts';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { CopyRows } from './copy-rows.ts';
import { statementsOf } from './statements.ts';

const long = (logicalType: string) => ({ type: 'long', logicalType });
const int = (logicalType: string) => ({ type: 'int', logicalType });
const bytes = (precision: number, scale: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
});
const nested = {
  type: 'record',
  name: 'Nested',
  fields: [
    { name: 'long', type: 'long' },
    { name: 'price', type: bytes(38, 10) },
    { name: 'raw', type: 'bytes' },
    { name: 'tags', type: { type: 'array', items: ['null', 'string'] } },
    { name: 'of', type: { type: 'map', values: 'double' } },
  ],
};
const max38 = 10n ** 38n - 1n;
const uuid = '01234567-89ab-cdef-0123-456789abcdef';

/** Postgres type, Avro type, a value as avsc decodes it, and Postgres' text of it. */
const cases: [PostgresType, unknown, unknown, string][] = [
  ['smallint', 'int', -(2 ** 15), '-32768'],
  ['real', 'float', Math.fround(0.1), '0.1'],
  ['real', 'float', Number.NaN, 'NaN'],
  ['double precision', 'double', Number.NEGATIVE_INFINITY, '-Infinity'],
  ['bigint', 'long', -(2n ** 63n), String(-(2n ** 63n))],
  ['bytea', 'bytes', Buffer.of(0, 255), '\\x00ff'],
  ['bytea', { type: 'fixed', name: 'Two', size: 2 }, Buffer.of(1, 0), '\\x0100'],
  ['date', int('date'), -719_162, '0001-01-01'],
  ['date', int('date'), 2_932_896, '9999-12-31'],
  ['time', int('time-millis'), 86_399_999, '23:59:59.999'],
  ['time', long('time-micros'), 1, '00:00:00.000001'],
  ['timestamptz', long('timestamp-micros'), -1, '1969-12-31 23:59:59.999999+00'],
  ['timestamptz', long('timestamp-micros'), 253_402_300_799_999_999n, '9999-12-31 23:59:59.999999+00'],
  ['timestamptz', long('timestamp-millis'), -1, '1969-12-31 23:59:59.999+00'],
  ['timestamp', long('local-timestamp-millis'), 1, '1970-01-01 00:00:00.001'],
  ['timestamp', long('local-timestamp-micros'), 1, '1970-01-01 00:00:00.000001'],
  ['uuid', { type: 'string', logicalType: 'uuid' }, uuid.toUpperCase(), uuid],
  [
    'uuid',
    { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
    Buffer.from(uuid.replaceAll('-', ''), 'hex'),
    uuid,
  ],
  ['text', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B', 'B'],
  ...[0n, 1n, -1n, 9_999n, 10_000n, -123_456_789n, 10n ** 12n].map((unscaled): (typeof cases)[number] => [
    'numeric(20,3)',
    bytes(20, 3),
    unscaledBytes(unscaled, 9),
    (Number(unscaled) / 1000).toFixed(3),
  ]),
  ['numeric(38,10)', bytes(38, 10), unscaledBytes(max38, 16), `${'9'.repeat(28)}.${'9'.repeat(10)}`],
  ['numeric(38,10)', bytes(38, 10), unscaledBytes(-max38, 16), `-${'9'.repeat(28)}.${'9'.repeat(10)}`],
  ['numeric(38,38)', bytes(38, 38), unscaledBytes(1n, 16), `0.${'1'.padStart(38, '0')}`],
  ['numeric(38,0)', bytes(38, 0), unscaledBytes(-max38, 16), `-${'9'.repeat(38)}`],
  ['numeric(9,2)', bytes(9, 2), Buffer.alloc(0), '0.00'],
  [
    'jsonb',
    nested,
    {
      long: 2n ** 63n - 1n,
      price: unscaledBytes(max38, 16),
      raw: Buffer.from('x'),
      tags: ['a', null],
      of: { b: Number.NaN },
    },
    `{"of": {"b": "NaN"}, "raw": "eA==", "long": 9223372036854775807, "tags": ["a", null], "price": ${'9'.repeat(28)}.${'9'.repeat(10)}}`,
  ],
];

const columns = cases.map(([type, avro], at) => ({
  ...{ name: `c${at}`, field: `c${at}`, type, avro: avroType(['null', avro]) },
}));
const mapping: CuratedMapping = { table: 'public.typed', columns, key: ['c0'], onConflict: 'ignore' };
const db = new pg.Client({ connectionString: inject('endpoints').DATABASE_URL });

beforeAll(async () => {
  await db.connect();
  await db.query("SET TimeZone = 'UTC'");
});
afterAll(() => db.end());

async function copied(rows: CopyRows): Promise<Record<string, string | null>[]> {
  const statements = statementsOf(mapping);
  await db.query(statements.createStaging);
  await db.query('BEGIN');
  const copy = db.query(copyFrom(statements.copy));
  for (const piece of rows.stream()) copy.write(piece);
  copy.end();
  await finished(copy);
  const texts = columns.map(({ name }) => `${name}::text AS ${name}`).join(', ');
  const read = await db.query(`SELECT ${texts} FROM staging_public_typed ORDER BY row_number`);
  await db.query('COMMIT');
  return read.rows as Record<string, string | null>[];
}

test('values of each type come back from Postgres as they were, nulls too', async () => {
  const rows = new CopyRows(mapping);
  expect(rows.add(Object.fromEntries(cases.map(([, , value], at) => [`c${at}`, value])))).toBeNull();
  expect(rows.add({})).toBeNull();
  const [full, empty] = await copied(rows);
  expect(full).toEqual(Object.fromEntries(cases.map(([, , , text], at) => [`c${at}`, text])));
  expect(new Set(Object.values(empty ?? {}))).toEqual(new Set([null]));
});

test.each([
  ['smallint', 'int', 2 ** 15],
  ['uuid', 'string', 'no uuid'],
  ['timestamptz', long('timestamp-micros'), -(2n ** 63n)],
] as [PostgresType, unknown, unknown][])('%s refuses a %s of %s', (type, avro, value) => {
  const column = { name: 'c', field: 'c', type, avro: avroType(avro) };
  expect(new CopyRows({ ...mapping, columns: [column] }).add({ c: value })).toMatch(/^c: /);
});
