import { fileURLToPath } from 'node:url';
import { failpoints } from '@windrow/runtime';
import { expect, test } from 'vitest';
import { createVitest } from 'vitest/node';
import { recordReached } from './every-failpoint.ts';

test('each failpoint of the closed list has its test, which a process must reach', async () => {
  // Loads the test files to see which tests they register, and runs none of them. The project's configuration would start a stack.
  const vitest = await createVitest({
    ...{ config: false, watch: false, maxWorkers: 1, root: fileURLToPath(new URL('../..', import.meta.url)) },
    include: ['tests/failpoints/*.test.ts'],
    exclude: ['tests/failpoints/coverage.test.ts'],
  });
  try {
    const { testModules } = await vitest.collect([], { staticParse: false });
    expect(testModules.flatMap((module) => module.errors())).toEqual([]);
    const tested = testModules
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((each) => each.meta().failpoint ?? []);
    expect(tested.sort()).toEqual(failpoints);
  } finally {
    await vitest.close();
  }
});

test('a process has reached a failpoint only if the signal of the failpoint has ended or stopped it', () => {
  const output = 'it starts\nfailpoint lake.claim.beforePut: SIGKILL\n';
  expect(recordReached(output, 'SIGKILL')).toBe('lake.claim.beforePut');
  expect(recordReached(output, 'SIGSTOP')).toBeUndefined();
  expect(recordReached(output, 'SIGTERM')).toBeUndefined();
  expect(recordReached(output, null)).toBeUndefined();
  expect(recordReached('it starts\n', 'SIGKILL')).toBeUndefined();
});
