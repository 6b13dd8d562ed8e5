import { expect, it } from 'vitest';
import { RecentIds } from './recent-ids.ts';

it('knows an id that it was told before, and no other', () => {
  const recent = new RecentIds();
  expect(recent.add('a')).toBe(false);
  expect(recent.add('b')).toBe(false);
  expect(recent.add('a')).toBe(true);
});

it('tells long ids apart, and keeps none of them whole', () => {
  const recent = new RecentIds(20_000);
  const long = (index: number) => `${'x'.repeat(32_000)}${index}`;
  const beforeBytes = process.memoryUsage().heapUsed;
  for (let index = 0; index < 10_000; index++) expect(recent.add(long(index))).toBe(false);
  expect(recent.add(long(9_999))).toBe(true);
  // Stored whole, they would take 320 MB.
  expect(process.memoryUsage().heapUsed - beforeBytes).toBeLessThan(200_000_000);
});

it('forgets the oldest ids when there are more than it may remember, and never the newest half', () => {
  const recent = new RecentIds(100);
  const ids = Array.from({ length: 1_000 }, (_, index) => `id-${index}`);
  for (const id of ids) expect(recent.add(id)).toBe(false);
  expect(recent.add('id-0')).toBe(false);
  for (const id of ids.slice(-49)) expect(recent.add(id)).toBe(true);
});

it('keeps an id that comes again and again', () => {
  const recent = new RecentIds(10);
  recent.add('again');
  for (let index = 0; index < 100; index++) {
    recent.add(`other-${index}`);
    expect(recent.add('again')).toBe(true);
  }
});
