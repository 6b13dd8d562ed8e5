import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Installation } from './installation.ts';

// It starts and stops all services five times.
vi.setConfig({ testTimeout: 300_000 });

const total = 27_004;
let windrow: Installation;

beforeAll(async () => {
  windrow = await Installation.start();
});
afterAll(() => windrow?.stop());

test('services that are stopped and started in the middle lose nothing and double nothing', async () => {
  await windrow.windrow('load', '--stream', 'weather', 'examples/flights-2013-01/weather.jsonl.gz');
  const loading = windrow.windrow(
    'load',
    '--stream',
    'track',
    'examples/flights-2013-01/track_events.jsonl.gz',
  );
  for (let round = 0; round < 3; round++) {
    await windrow.windrow('down');
    await windrow.windrow('up');
  }
  await loading;
  await windrow.windrow('down');
  await windrow.windrow('up');
  await windrow.landed();
  const counts = await windrow.counts();
  expect(counts).toMatchObject({
    'raw/track': total,
    'curated/track': total,
    'curated.track_event': total,
    'events in curated.city_window': total,
    'rejected/dead_letter': 0,
  });
  const audited = { consumed: total, accepted: total, duplicates: 0, deadLettered: 0 };
  expect(await windrow.auditOf('track.raw')).toEqual(audited);
});
