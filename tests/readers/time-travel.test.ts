import { readableVersions, versionAt } from '@windrow/lake';
import { createTestBucket, type TestBucket } from '@windrow/lake/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runReader } from './python.ts';
import type { LakeEnvironment } from './readers.ts';
import { examples, type Then, trackPath, writeTrack } from './track-table.ts';

const page = 'docs/how-to/time-travel.md';

let bucket: TestBucket;
let env: LakeEnvironment;
let then: Then;

beforeAll(async () => {
  bucket = await createTestBucket(inject('endpoints'));
  env = { ...inject('endpoints'), LAKE_BUCKET: bucket.options.bucket };
  then = await writeTrack(bucket);
});
afterAll(() => bucket?.store.close());

test('the examples for delta-rs give a version by its number and by a time', async () => {
  const [byNumber = '', byTime = ''] = examples(bucket, then, [page, 'delta-rs', 'python']);
  const answer = (names: string, ...code: string[]) => runReader('run-example.py', [names, ...code], env);
  expect(await answer('table.version(),events.num_rows', byNumber)).toEqual([then.version, 5]);
  expect(await answer('then', byNumber, byTime)).toEqual([then.version]);
});

test('the examples for DuckDB give a version, and what has come since', async () => {
  const [counted = '', since = ''] = examples(bucket, then, [page, 'DuckDB', 'sql']);
  const answer = (sql: string) => runReader('read-lake.py', ['duckdb', trackPath, sql], env);
  expect(await answer(counted)).toEqual([{ events: 5 }]);
  const names = ((await answer(since)) as { event_name: string }[]).map(({ event_name }) => event_name);
  expect(names.sort()).toEqual(['event 5', 'event 6', 'event 7']);
});

test('a restore finds the same version by that time', async () => {
  expect(versionAt(await readableVersions(bucket.store, trackPath), then.timeMs)).toBe(then.version);
});
