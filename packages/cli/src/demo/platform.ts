import { applyInstallation } from '@windrow/operations/apply';
import { type Teardown, WindrowError } from '@windrow/runtime';
import {
  readStackEnv,
  servicesStatus,
  stackStatus,
  startBackgroundServices,
  startBackgroundStack,
  startServices,
  startStack,
  stopServices,
  stopStack,
} from '@windrow/stack';
import type { Phases } from './phases.ts';

export interface PlatformOptions {
  stateDir: string;
  env: NodeJS.ProcessEnv;
  /** Run in the background, to outlive this process. Otherwise they stop when it ends, even by a crash. */
  keep: boolean;
  phases: Phases;
  note: (line: string) => void;
  /** Stops what is started here. */
  teardown: Teardown;
}

/**
 * Starts the stack and the services, unless they are running in the state directory already: then they are used as they are,
 * and not stopped.
 * @returns the environment of the installation
 */
export async function startPlatform(options: PlatformOptions): Promise<NodeJS.ProcessEnv> {
  const { stateDir, phases, note } = options;
  const stack = stackStatus(stateDir);
  if (stack.state === 'ready') note(`using the stack of ${stateDir}, which is running already`);
  else
    await phases.run('stack', 'starting Kafka, the registry, S3, Postgres and Prometheus', () =>
      ownStack(options),
    );
  // Small micro-batches: a small load is committed in seconds and not in a minute. The user's settings take precedence.
  const env = {
    LAKE_MAX_AGE_SECONDS: '2',
    POSTGRES_MAX_AGE_SECONDS: '1',
    ...options.env,
    ...readStackEnv(stateDir),
  };
  await phases.run('streams', 'creating topics, schemas and tables', () => applyInstallation(env));
  if (servicesStatus(stateDir).state === 'ready') note('using its services, which are running already');
  else {
    await phases.run(
      'services',
      'starting the producer, the enricher, the lake sink and the Postgres sink',
      () => ownServices(options, env),
    );
  }
  return env;
}

async function ownStack({ stateDir, keep, note, teardown }: PlatformOptions): Promise<void> {
  const log = (line: string) => note(`  ${line}`);
  if (keep) {
    teardown.add(
      'stack',
      stopping('the stack', () => stopStack(stateDir), note),
    );
    await startBackgroundStack({ stateDir, log });
    return;
  }
  const stack = await startStack({ stateDir, log });
  teardown.add('stack', stopping('the stack', stack.stop, note));
}

async function ownServices(
  { stateDir, keep, note, teardown }: PlatformOptions,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const log = (line: string) => note(`  ${line}`);
  if (servicesStatus(stateDir).state === 'starting') {
    throw new WindrowError(
      'USAGE',
      `the services of ${stateDir} are being started by another process: wait for them, or stop them with windrow down`,
    );
  }
  if (keep) {
    teardown.add(
      'services',
      stopping('the services', () => stopServices(stateDir), note),
    );
    await startBackgroundServices({ stateDir, env, log });
    return;
  }
  const services = await startServices({ stateDir, env, log });
  teardown.add('services', stopping('the services', services.stop, note));
}

function stopping(
  what: string,
  stop: () => Promise<unknown>,
  note: (line: string) => void,
): () => Promise<void> {
  return async () => {
    note(`▸ stopping ${what}`);
    await stop();
  };
}
