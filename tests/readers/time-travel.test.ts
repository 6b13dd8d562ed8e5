import { readFileSync } from 'node:fs';
import {
  columnBuffersFrom,
  createEncoder,
  LakeTable,
  ledgerColumns,
  readableVersions,
  type TableSchema,
  versionAt,
} from '@windrow/lake';
import { createTestBucket, type TestBucket } from '@windrow/lake/testing';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { runReader } from './python.ts';
import type { LakeEnvironment } from './readers.ts';

const page = readFileSync(new URL('../../docs/time-travel.md', import.meta.url), 'utf8');
const path = 'curated/track';
const of = { topic: 'track.enriched', partition: 0 };
const schema: TableSchema = {
  columns: [
    { name: 'event_name', type: 'string', nullable: true },
    { name: 'occurred_at', type: 'timestamp', nullable: true },
    ...ledgerColumns,
  ],
};

let bucket: TestBucket;
let env: LakeEnvironment;
/** A version with five rows, of eight that there are, and a time at which it was the newest one. */
let version: number;
let timeMs: number;

async function land(table: LakeTable, from: number, to: number): Promise<number> {
  const claim = await table.claim([of]);
  const offsets = Array.from({ length: to - from }, (_, n) => from + n);
  const columns = [
    offsets.map((n) => `event ${n}`),
    offsets.map((n) => Date.UTC(2013, 0, 1) + n),
    ...[offsets.map(() => of.topic), offsets.map(() => 0), offsets, offsets.map(() => 0)],
  ];
  const encode = () =>
    createEncoder('columnar').encode({
      buffers: columnBuffersFrom({ schema, rowCount: offsets.length, columns }),
    });
  const files = [{ partitionValues: { date: '2013-01-01' }, namePrefix: '20130101T0000', encode }];
  const ranges = [{ ...of, fromOffset: from, nextOffset: to, rows: to - from }];
  return (await table.commit(await table.upload(claim, files), ranges)).version;
}

beforeAll(async () => {
  bucket = await createTestBucket(inject('endpoints'));
  env = { ...inject('endpoints'), LAKE_BUCKET: bucket.options.bucket };
  const table = await LakeTable.open(bucket.store, { path, schema, sink: 'lake' });
  version = await land(table, 0, 5);
  // Stores tell times in whole seconds.
  timeMs = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000;
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(timeMs + 1_000), 10_000);
  await land(table, 5, 8);
});
afterAll(() => bucket?.store.close());

/** The examples of the page in one language, about the table here, its version and its time. */
function examples(language: string, heading: string): string[] {
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, of]) => of === language)
    .map(([, , text = '']) =>
      text
        .replaceAll('s3://lake/', `s3://${bucket.options.bucket}/`)
        .replaceAll(/\b41\b/g, String(version))
        .replaceAll('2013-01-15T12:00:00Z', new Date(timeMs).toISOString()),
    );
}

test('the examples for delta-rs give a version by its number and by a time', async () => {
  const [byNumber = '', byTime = ''] = examples('python', 'delta-rs');
  const answer = (names: string, ...code: string[]) => runReader('run-example.py', [names, ...code], env);
  expect(await answer('table.version(),events.num_rows', byNumber)).toEqual([version, 5]);
  expect(await answer('then', byNumber, byTime)).toEqual([version]);
});

test('the examples for DuckDB give a version, and what has come since', async () => {
  const [counted = '', since = ''] = examples('sql', 'DuckDB');
  const answer = (sql: string) => runReader('read-lake.py', ['duckdb', path, sql], env);
  expect(await answer(counted)).toEqual([{ events: 5 }]);
  const names = ((await answer(since)) as { event_name: string }[]).map(({ event_name }) => event_name);
  expect(names.sort()).toEqual(['event 5', 'event 6', 'event 7']);
});

test('a restore finds the same version by that time', async () => {
  expect(versionAt(await readableVersions(bucket.store, path), timeMs)).toBe(version);
});
