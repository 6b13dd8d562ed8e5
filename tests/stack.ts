import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { defaultStateDir, readStackEnv, type Stack, type StackEndpoints, startStack } from '@windrow/stack';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Environment names of the design → values of the one stack of this run: `inject('endpoints')`. */
    endpoints: CompleteEndpoints;
    /** Its state directory, for setScrapeTargets and the logs. */
    stackDir: string;
  }
}

const required = [
  'KAFKA_BROKERS',
  'SCHEMA_REGISTRY_URL',
  'S3_ENDPOINT',
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'LAKE_BUCKET',
  'DATABASE_URL',
] as const;

/** The endpoints of a stack with all its parts; only Prometheus may be absent, where the machine can't have it. */
type CompleteEndpoints = StackEndpoints & Record<(typeof required)[number], string>;

function complete(endpoints: StackEndpoints): CompleteEndpoints {
  const absent = required.filter((name) => endpoints[name] === undefined);
  if (absent.length > 0)
    throw new Error(`the stack has no ${absent.join(', ')}: start it with all its parts`);
  return endpoints as CompleteEndpoints;
}

/**
 * One stack for a whole vitest run. All test files share it, so they name topics, subjects, buckets and databases of their
 * own; tests that need the fixed names, or that stop parts, start a stack of their own. For development,
 * WINDROW_STACK_DIR=<state directory of a running stack> uses that one instead.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env.WINDROW_STACK_DIR;
  if (running) {
    project.provide('endpoints', complete(readStackEnv(running)));
    project.provide('stackDir', path.resolve(running));
    return async () => undefined;
  }
  const runs = path.join(defaultStateDir, 'test');
  mkdirSync(runs, { recursive: true });
  const stateDir = mkdtempSync(path.join(runs, 'run-'));
  const stack: Stack = await startStack({ stateDir, log: (line) => console.log(`stack: ${line}`) });
  project.provide('endpoints', complete(stack.endpoints));
  project.provide('stackDir', stack.stateDir);
  return async () => {
    await stack.stop();
    rmSync(stateDir, { recursive: true, force: true });
  };
}
