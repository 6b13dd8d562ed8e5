import { expect, test } from 'vitest';
import { askReady, sumOf } from './health.ts';

test('the lag is summed over the series of its name', () => {
  const text = [
    '# HELP windrow_consumer_lag Offsets',
    '# TYPE windrow_consumer_lag gauge',
    'windrow_consumer_lag{topic="track.raw",partition="0",service="enricher"} 12',
    'windrow_consumer_lag{topic="track.raw",partition="1",service="enricher"} 1e3',
    'windrow_consumer_lag_other{topic="a"} 5',
    '',
  ].join('\n');
  expect(sumOf('windrow_consumer_lag', text)).toBe(1012);
  expect(sumOf('windrow_rebalances_total', text)).toBeUndefined();
});

test('a service that does not answer is not ready, and the address is named', async () => {
  // Port 1 is reserved, and nothing listens there.
  expect(await askReady({ ports: { admin: 1 } })).toEqual({
    ready: false,
    reasons: ['http://127.0.0.1:1/ready does not answer'],
  });
});
