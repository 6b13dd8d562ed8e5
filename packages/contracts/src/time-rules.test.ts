import { expect, test } from 'vitest';
import { brokenRule } from './rules.ts';
import { loadStreams, streamNamed } from './streams.ts';
import { maxTimeMs, minTimeMs } from './time/time-bounds.ts';
import { timeRules } from './time-rules.ts';

const field = (name: string, logicalType: string) => ({
  name,
  type: ['null', { type: logicalType === 'date' ? 'int' : 'long', logicalType }],
});

test.each([
  ['timestamp-millis', minTimeMs, maxTimeMs],
  ['local-timestamp-millis', minTimeMs, maxTimeMs],
  ['timestamp-micros', BigInt(minTimeMs) * 1_000n, BigInt(maxTimeMs) * 1_000n + 999n],
  ['timestamp-nanos', BigInt(minTimeMs) * 1_000_000n, BigInt(maxTimeMs) * 1_000_000n + 999_999n],
  ['date', -719_162, 2_932_896],
])('a %s is in the years 1 to 9999', (logicalType, low, high) => {
  const rules = timeRules({ fields: [field('seen', logicalType), { name: 'n', type: 'long' }] });
  const outcome = (seen: unknown) => brokenRule(rules, { seen, n: Number.MAX_SAFE_INTEGER })?.reason ?? 'ok';
  const step = typeof low === 'bigint' ? 1n : 1;
  expect([null, low, high].map(outcome)).toEqual(['ok', 'ok', 'ok']);
  const beyond = [(low as number) - (step as number), (high as number) + (step as number)];
  expect(beyond.map(outcome)).toEqual(['seen_out_of_range', 'seen_out_of_range']);
});

test('each time of a contract has the bounds, also the times that no rule names', async () => {
  const track = streamNamed(await loadStreams(), 'track');
  const record = {
    event_id: 'e',
    type: 'track',
    event_name: 'E',
    user_id: 'u',
    occurred_at: 1.7e12,
    received_at: 1.7e12,
  };
  expect(brokenRule(track.rules, record)).toBeNull();
  expect(brokenRule(track.rules, { ...record, sent_at: 9e15 })).toEqual({
    reason: 'sent_at_out_of_range',
    message:
      'sent_at is 9000000000000000, 9000000000000000 ms since 1970; a time must be in the years 1 to 9999, UTC',
  });
  expect(brokenRule(track.rules, { ...record, received_at: 9e15 })?.reason).toBe('received_at_out_of_range');
});
