import { expect, it } from 'vitest';
import { DailyUsage, dayOf } from './daily-usage.ts';

const day = '2026-11-21';

it('adds up what all instances have let pass, each by its newest word', () => {
  const usage = new DailyUsage('here');
  usage.add('key', day, 3);
  usage.add('key', day, 4);
  usage.hear({ key_id: 'key', day, instance: 'there', events: 10 });
  usage.hear({ key_id: 'key', day, instance: 'there', events: 12 });
  usage.hear({ key_id: 'key', day, instance: 'elsewhere', events: 100 });
  usage.hear({ key_id: 'another key', day, instance: 'there', events: 1_000 });
  expect(usage.eventsOf('key', day)).toBe(119);
  expect(usage.eventsOf('key', '2026-11-22')).toBe(0);
  expect(usage.eventsOf('unheard of', day)).toBe(0);
});

it('does not count its own words twice', () => {
  const usage = new DailyUsage('here');
  usage.add('key', day, 3);
  for (const told of usage.tell()) usage.hear(told);
  expect(usage.eventsOf('key', day)).toBe(3);
});

it('tells what has changed since it told last, and again what could not be told', () => {
  const usage = new DailyUsage('here');
  usage.add('key', day, 3);
  const told = usage.tell();
  expect(told).toEqual([{ key_id: 'key', day, instance: 'here', events: 3 }]);
  expect(usage.tell()).toEqual([]);
  usage.keep(told);
  usage.add('key', day, -1);
  expect(usage.tell()).toEqual([{ key_id: 'key', day, instance: 'here', events: 2 }]);
});

it('forgets days that are over, also what of them could not be told', () => {
  const usage = new DailyUsage('here');
  usage.add('key', day, 3);
  const told = usage.tell();
  usage.forgetBefore('2026-11-22');
  usage.keep(told);
  expect(usage.tell()).toEqual([]);
  expect(usage.eventsOf('key', day)).toBe(0);
});

it('changes the day at midnight UTC', () => {
  expect(dayOf(Date.parse('2026-11-21T23:59:59.999Z'))).toBe('2026-11-21');
  expect(dayOf(Date.parse('2026-11-22T00:00:00.000Z'))).toBe('2026-11-22');
});
