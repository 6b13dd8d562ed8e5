import { expect, test } from 'vitest';
import { ResponseBufferPool } from './response-buffer-pool.ts';

const large = 300_000;

test("a response's memory is used again after its last release, and not before", () => {
  const pool = new ResponseBufferPool();
  const response = pool.allocate(large);
  const [first, second] = [response.subarray(10, 20), response.subarray(20, 30)];
  pool.retain(first);
  pool.retain(second);
  pool.release(first);
  expect(pool.allocate(large).buffer).not.toBe(response.buffer);
  pool.release(second);
  const next = pool.allocate(large + 1);
  expect(next.buffer).toBe(response.buffer);
  expect(next).toHaveLength(large + 1);
  expect(pool.allocate(large).buffer).not.toBe(response.buffer);
});

test('memory that is too small stays free for others, and a response that was not retained is never used again', () => {
  const pool = new ResponseBufferPool();
  const small = pool.allocate(large);
  pool.retain(small);
  pool.release(small);
  expect(pool.allocate(4 * large).buffer).not.toBe(small.buffer);
  const notRetained = pool.allocate(large);
  expect(notRetained.buffer).toBe(small.buffer);
  expect(pool.allocate(large).buffer).not.toBe(small.buffer);
});

test('a second release of one reader is an error', () => {
  const pool = new ResponseBufferPool();
  const response = pool.allocate(large);
  pool.retain(response);
  pool.release(response);
  expect(() => pool.release(response)).toThrow('released more often than retained');
});

test('at most 16 MiB stay free', () => {
  const pool = new ResponseBufferPool();
  const responses = Array.from({ length: 40 }, () => pool.allocate(2 ** 19));
  for (const response of responses) pool.retain(response);
  for (const response of responses) pool.release(response);
  const again = Array.from({ length: 40 }, () => pool.allocate(2 ** 19));
  const reused = again.filter(({ buffer }) => responses.some((response) => response.buffer === buffer));
  expect(reused).toHaveLength(32);
});
