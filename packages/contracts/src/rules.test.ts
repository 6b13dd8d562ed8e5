import { expect, test } from 'vitest';
import { between, brokenRule, oneOf } from './rules.ts';
import { loadStreams, streamNamed } from './streams.ts';

const contracts = await loadStreams();
const { rules: trackRules } = streamNamed(contracts, 'track');
const { rules: weatherRules } = streamNamed(contracts, 'weather');
const now = Date.parse('2024-05-01T12:00:00Z');
const event = {
  event_id: 'e',
  type: 'track',
  event_name: 'A',
  user_id: 'u',
  occurred_at: now,
  received_at: now,
};
const observation = { city: 'Oslo', observed_at: now, temperature_c: 1, humidity: 0.5, precip_type: null };

test('good ones keep every rule', () => {
  expect(brokenRule(trackRules, event)).toBeNull();
  expect(brokenRule(weatherRules, observation)).toBeNull();
});

test.each([
  [{ event_id: '' }, 'event_id_missing'],
  [{ type: 'tracks' }, 'type_unknown'],
  [{ event_name: null }, 'event_name_missing'],
  [{ user_id: null }, 'user_id_or_anonymous_id_missing'],
  [{ occurred_at: Date.parse('1999-12-31T23:59:59Z') }, 'occurred_at_too_old'],
  [{ occurred_at: now + 5 * 60_000 + 1 }, 'occurred_at_in_future'],
  [{ latitude: 90.1 }, 'latitude_out_of_range'],
  [{ longitude: Number.NaN }, 'longitude_out_of_range'],
  [{ occurred_at: 8.7e15 }, 'occurred_at_in_future'],
])('track with %j: %s', (change, reason) => {
  expect(brokenRule(trackRules, { ...event, ...change })?.reason).toBe(reason);
});

test.each([
  [{ city: '' }, 'city_missing'],
  [{ temperature_c: Number.NaN }, 'temperature_c_out_of_range'],
  [{ temperature_c: Number.POSITIVE_INFINITY }, 'temperature_c_out_of_range'],
  [{ humidity: 1.01 }, 'humidity_out_of_range'],
  [{ precip_type: 'frogs' }, 'precip_type_unknown'],
])('weather with %j: %s', (change, reason) => {
  expect(brokenRule(weatherRules, { ...observation, ...change })?.reason).toBe(reason);
});

test('a long beyond 2^53 is compared exactly with the bounds, and shown in the message', () => {
  const rules = [between('n', 0, 2 ** 60)];
  expect(brokenRule(rules, { n: 2n ** 60n })).toBeNull();
  expect(brokenRule(rules, { n: 2n ** 60n + 1n })).toEqual({
    reason: 'n_out_of_range',
    message: `n is 1152921504606846977, not between 0 and ${2 ** 60}`,
  });
  expect(brokenRule(trackRules, { ...event, occurred_at: 2n ** 63n - 1n })?.reason).toBe(
    'occurred_at_in_future',
  );
  expect(brokenRule(trackRules, { ...event, occurred_at: -(2n ** 63n) })?.reason).toBe('occurred_at_too_old');
  expect(brokenRule([oneOf('n', ['a'])], { n: [2n ** 60n] })?.message).toContain('[1152921504606846976]');
});

test('bounds are included, and only a track needs an event name', () => {
  expect(
    brokenRule(trackRules, { ...event, latitude: -90, longitude: 180, occurred_at: now + 5 * 60_000 }),
  ).toBeNull();
  expect(brokenRule(trackRules, { ...event, type: 'page', event_name: null })).toBeNull();
});
