import { expect, test } from 'vitest';
import { failpointNames } from './failpoint-names.ts';
import { type Fault, planFaults, struckBy } from './schedule.ts';

const options = {
  seed: 7,
  durationMs: 600_000,
  failpoints: failpointNames(),
  gapMs: { least: 2_000, most: 6_000 },
};

test('a seed plans the same faults again, another one others', () => {
  expect(planFaults(options)).toEqual(planFaults(options));
  expect(planFaults({ ...options, seed: 8 })).not.toEqual(planFaults(options));
});

test('ten minutes have every kind of fault, and every failpoint in an hour', () => {
  const kinds = new Set(planFaults(options).map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual([
    'Kafka kill -9',
    'Kafka paused',
    'Kafka restart',
    'Postgres kill -9',
    'Postgres restart',
    'S3 503 SlowDown',
    'S3 answers lost',
    'S3 cut in mid-upload',
    'S3 cut off',
    'S3 half-open',
    'S3 slow',
    'registry cut off',
    'registry half-open',
    'service crash at failpoint',
    'service kill -9',
    'service one more',
    'service stop',
    'service zombie',
  ]);
  const hour = planFaults({ ...options, durationMs: 3_600_000 });
  expect(hour.length).toBeGreaterThan(400);
  const struck = hour.flatMap((fault) => ('failpoint' in fault ? fault.failpoint.split('#')[0] : []));
  expect([...new Set(struck)].sort()).toEqual(options.failpoints);
});

test('a zombie sleeps for longer than the session timeout, and what is struck is not struck again meanwhile', () => {
  const until = new Map<string, number>();
  for (const fault of planFaults(options) as Fault[]) {
    if (fault.kind === 'service zombie') expect(fault.holdMs).toBeGreaterThan(10_000);
    expect(fault.atMs).toBeGreaterThanOrEqual(until.get(struckBy(fault)) ?? 0);
    expect(fault.atMs + fault.holdMs).toBeLessThanOrEqual(options.durationMs);
    until.set(struckBy(fault), fault.atMs + fault.holdMs);
  }
});
