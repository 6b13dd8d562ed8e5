import { expect, test } from 'vitest';
import { idleAfterMs, Watermark } from './watermark.ts';

function watermark() {
  const clock = { nowMs: 1_000_000 };
  return { clock, of: new Watermark(() => clock.nowMs) };
}

test('it is where the partition is that is furthest behind', () => {
  const { of } = watermark();
  expect(of.timeMs).toBeNull();
  of.note('track.raw/0', 500);
  of.note('track.raw/1', 300);
  expect(of.timeMs).toBe(300);
  of.note('track.raw/1', 200);
  expect(of.timeMs).toBe(300);
  of.note('track.raw/1', 700);
  expect(of.timeMs).toBe(500);
  of.note('track.raw/0', Number.NEGATIVE_INFINITY);
  expect(of.timeMs).toBe(500);
});

test('an idle partition holds it back no more, and never takes it back', () => {
  const { clock, of } = watermark();
  of.note('track.raw/0', 500);
  of.note('track.raw/1', 300);
  clock.nowMs += idleAfterMs - 1;
  of.note('track.raw/0', 900);
  expect(of.timeMs).toBe(300);
  clock.nowMs += 1;
  expect(of.timeMs).toBe(900);
  of.note('track.raw/1', 400);
  expect(of.timeMs).toBe(900);
  of.note('track.raw/1', 950);
  of.note('track.raw/0', 1_000);
  expect(of.timeMs).toBe(950);
});

test('where all are idle, it is where the one is that has come furthest', () => {
  const { clock, of } = watermark();
  of.note('track.raw/0', 500);
  of.note('track.raw/1', 300);
  clock.nowMs += idleAfterMs;
  expect(of.timeMs).toBe(500);
});

test('a partition that has gone counts no more; without any there is none', () => {
  const { of } = watermark();
  of.note('track.raw/0', 500);
  of.note('track.raw/1', 300);
  of.forget('track.raw/1');
  expect(of.timeMs).toBe(500);
  of.forget('track.raw/0');
  expect(of.timeMs).toBeNull();
  of.note('track.raw/1', 100);
  expect(of.timeMs).toBe(100);
});
