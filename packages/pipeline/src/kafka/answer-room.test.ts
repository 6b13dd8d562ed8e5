import { expect, test } from 'vitest';
import { hold, release, roomFor } from './answer-room.ts';

const large = 300_000;

test("an answer's room is another's when its last reader has let it go, and not before", () => {
  const answer = roomFor(large);
  const [first, second] = [answer.subarray(10, 20), answer.subarray(20, 30)];
  hold(first);
  hold(second);
  release(first);
  expect(roomFor(large).buffer).not.toBe(answer.buffer);
  release(second);
  const next = roomFor(large + 1);
  expect(next.buffer).toBe(answer.buffer);
  expect(next).toHaveLength(large + 1);
  expect(roomFor(large).buffer).not.toBe(answer.buffer);
});

test('room that is too small is left for others, and what nobody holds is never used again', () => {
  const small = roomFor(large);
  hold(small);
  release(small);
  const held = roomFor(4 * large);
  expect(held.buffer).not.toBe(small.buffer);
  const forgotten = roomFor(large);
  expect(forgotten.buffer).toBe(small.buffer);
  expect(roomFor(large).buffer).not.toBe(small.buffer);
});

test('what nobody holds is not let go twice', () => {
  const answer = roomFor(large);
  hold(answer);
  release(answer);
  expect(() => release(answer)).toThrow('nobody holds this answer');
});

test('no more than 16 MiB lie ready', () => {
  const rooms = Array.from({ length: 40 }, () => roomFor(2 ** 19));
  for (const room of rooms) hold(room);
  for (const room of rooms) release(room);
  const again = Array.from({ length: 40 }, () => roomFor(2 ** 19));
  const used = again.filter(({ buffer }) => rooms.some((room) => room.buffer === buffer));
  expect(used.length).toBeGreaterThan(0);
  expect(used.length).toBeLessThanOrEqual(32);
});
