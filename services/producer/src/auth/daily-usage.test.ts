import { expect, it } from 'vitest';
import { DailyUsage, dayOf } from './daily-usage.ts';

const day = '2026-11-21';

it('adds up what all instances have let pass, each by its newest count', () => {
  const usage = new DailyUsage('here');
  usage.add('key', day, 3);
  usage.add('key', day, 4);
  usage.apply({ key_id: 'key', day, instance: 'there', events: 10 });
  usage.apply({ key_id: 'key', day, instance: 'there', events: 12 });
  usage.apply({ key_id: 'key', day, instance: 'elsewhere', events: 100 });
  usage.apply({ key_id: 'another key', day, instance: 'there', events: 1_000 });
  expect(usage.eventsOf('key', day)).toBe(119);
  expect(usage.eventsOf('key', '2026-11-22')).toBe(0);
  expect(usage.eventsOf('unheard of', day)).toBe(0);
});

it('does not count twice what it has published itself', () => {
  const usage = new DailyUsage('here');
  usage.add('key', day, 3);
  for (const own of usage.takeUnpublished()) usage.apply(own);
  expect(usage.eventsOf('key', day)).toBe(3);
});

it('gives what has changed since it was published, and again what could not be published', () => {
  const usage = new DailyUsage('here');
  usage.add('key', day, 3);
  const taken = usage.takeUnpublished();
  expect(taken).toEqual([{ key_id: 'key', day, instance: 'here', events: 3 }]);
  expect(usage.takeUnpublished()).toEqual([]);
  usage.putBack(taken);
  usage.add('key', day, -1);
  expect(usage.takeUnpublished()).toEqual([{ key_id: 'key', day, instance: 'here', events: 2 }]);
});

it('forgets days that are over, also what of them could not be published', () => {
  const usage = new DailyUsage('here');
  usage.add('key', day, 3);
  const taken = usage.takeUnpublished();
  usage.forgetBefore('2026-11-22');
  usage.putBack(taken);
  expect(usage.takeUnpublished()).toEqual([]);
  expect(usage.eventsOf('key', day)).toBe(0);
});

it('changes the day at midnight UTC', () => {
  expect(dayOf(Date.parse('2026-11-21T23:59:59.999Z'))).toBe('2026-11-21');
  expect(dayOf(Date.parse('2026-11-22T00:00:00.000Z'))).toBe('2026-11-22');
});
