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
  /** In the background, so that they outlive this process; otherwise they end with it, however it ends. */
  keep: boolean;
  phases: Phases;
  note: (line: string) => void;
  /** What was started here is added, to be stopped. */
  teardown: Teardown;
}

/**
 * What the demo runs on, as an environment. A stack or services that run in the state directory are used as they are, and
 * nobody stops them; what is missing is started.
 */
export async function startPlatform(options: PlatformOptions): Promise<NodeJS.ProcessEnv> {
  const { stateDir, phases, note } = options;
  const stack = stackStatus(stateDir);
  if (stack.state === 'ready') note(`the stack of ${stateDir} runs already, and is used`);
  else
    await phases.run('stack', 'starting Kafka, the registry, S3, Postgres and Prometheus', () =>
      ownStack(options),
    );
  // Micro-batches are cut early, so that nobody waits a minute to see a small load land. An own setting goes first.
  const env = {
    LAKE_MAX_AGE_SECONDS: '2',
    POSTGRES_MAX_AGE_SECONDS: '1',
    ...options.env,
    ...readStackEnv(stateDir),
  };
  await phases.run('streams', 'making topics, schemas and tables', () => applyInstallation(env));
  if (servicesStatus(stateDir).state === 'ready') note('its services run already, and are used');
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
      `services of ${stateDir} are starting at this moment: wait for them, or stop them with windrow down`,
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
