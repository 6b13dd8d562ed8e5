import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { report } from './report.ts';

const seed = 20_261;

test('mutated requests and records are each accepted, rejected or dead-lettered, and no process dies or grows', {
  timeout: 10 * 60_000,
}, async ({ signal }) => {
  const result = await fuzz({ seed, requests: 4_000, records: 10_000, streams: 4, log: console.log, signal });
  console.log(report(seed, result));
  expect(result.findings).toEqual([]);
  expect(result.http.accepted).toBeGreaterThan(500);
  expect(result.http.deadLettered).toBeGreaterThan(1_000);
  expect(result.http.rejected).toBeGreaterThan(100);
});
