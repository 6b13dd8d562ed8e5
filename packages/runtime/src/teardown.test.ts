import { expect, it } from 'vitest';
import { Teardown } from './teardown.ts';

it('releases in reverse order, goes on after a failure, and throws the first error', async () => {
  const order: string[] = [];
  const teardown = new Teardown();
  for (const name of ['a', 'b', 'c']) {
    teardown.add(name, async () => {
      expect(teardown.current).toBe(name);
      order.push(name);
      if (name !== 'a') throw new Error(`${name} failed`);
    });
  }
  await expect(teardown.run()).rejects.toThrow('c failed');
  expect(order).toEqual(['c', 'b', 'a']);
  await expect(teardown.run()).rejects.toThrow('c failed');
  expect(order).toHaveLength(3);
  expect(teardown.current).toBeUndefined();
});
