import { type Failpoint, failpoints } from '@windrow/runtime';
import { expect, type TestOptions, test } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** The failpoint that a test of `testEachFailpoint` reaches. coverage.test.ts looks for each of the closed list. */
    failpoint?: Failpoint;
  }
}

type Area = 'enricher' | 'lake' | 'postgres' | 'replay';

/** The commits of a replay to the lake belong to the area of the replay. */
const areaOf = (name: Failpoint) => (/(^|\.)replay\./.test(name) ? 'replay' : name.split('.')[0]);

/** The failpoints at which a process was seen to die or stop since the current test began. */
const reached = new Set<string>();

/** Records the failpoint that, by the output of a process, sent it this signal. `signal` is what the kernel reports. */
export function recordReached(output: string, signal: NodeJS.Signals | null): string | undefined {
  const name = new RegExp(`^failpoint (\\S+): ${signal}$`, 'm').exec(output)?.[1];
  if (name !== undefined) reached.add(name);
  return name;
}

/**
 * Registers one test for each failpoint of the area. A test fails unless `run` has seen a process die or stop at the
 * failpoint, whatever else `run` asserts.
 */
export function testEachFailpoint(
  area: Area,
  run: (name: Failpoint) => Promise<void>,
  options: TestOptions = {},
): void {
  for (const failpoint of failpoints.filter((name) => areaOf(name) === area))
    test(`killed at ${failpoint}`, { ...options, meta: { failpoint } }, async () => {
      reached.clear();
      await run(failpoint);
      expect([...reached], 'the failpoints that processes have reached').toContain(failpoint);
    });
}
