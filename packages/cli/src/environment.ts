import { existsSync } from 'node:fs';
import path from 'node:path';
import { hideUrlPasswords, WindrowError } from '@windrow/runtime';
import { defaultStateDir, readStackEnv } from '@windrow/stack';

/** Endpoints of an installation. If the environment has one of them, it has to describe the whole installation. */
const endpointNames = [
  'KAFKA_BROKERS',
  'SCHEMA_REGISTRY_URL',
  'S3_ENDPOINT',
  'LAKE_BUCKET',
  'DATABASE_URL',
] as const;

/** The directory of the local stack and its services: `WINDROW_STATE_DIR`, by default `.windrow` in the clone. */
export function stateDirOf(env: NodeJS.ProcessEnv): string {
  return env.WINDROW_STATE_DIR ? path.resolve(env.WINDROW_STATE_DIR) : defaultStateDir;
}

/** The source of the settings: the environment alone, or the environment with the endpoints of the local stack. */
export interface Environment {
  source: 'environment' | 'stack' | 'nothing';
  env: NodeJS.ProcessEnv;
}

/**
 * An environment that has an endpoint is used alone: mixing it with the local stack's could send the events of one
 * installation to the tables of another. Otherwise the endpoints of the local stack are used, if one runs.
 */
export function resolveEnvironment(env: NodeJS.ProcessEnv, stateDir: string): Environment {
  if (endpointNames.some((name) => env[name] || env[`${name}_FILE`])) return { source: 'environment', env };
  if (!existsSync(path.join(stateDir, 'stack.env'))) return { source: 'nothing', env };
  return { source: 'stack', env: { ...env, ...readStackEnv(stateDir) } };
}

/**
 * Says that the environment has other endpoints than the stack that runs in the state directory, as a shell has them that read
 * the `stack.env` of an earlier stack; undefined if it has none.
 */
export function otherEndpoints(env: NodeJS.ProcessEnv, stateDir: string): string | undefined {
  const file = path.join(stateDir, 'stack.env');
  const stack = existsSync(file) ? readStackEnv(stateDir) : undefined;
  const others = [...endpointNames, 'PRODUCER_URL'].filter(
    (name) => env[name] && env[name] !== stack?.[name],
  );
  if (others.length > 0) {
    const shown = others.map((name) => `${name}=${hideUrlPasswords(env[name] ?? '')}`).join(', ');
    const than = stack ? `the stack that runs in ${stateDir} has others` : `no stack runs in ${stateDir}`;
    return `the environment has ${shown}; ${than}. Commands use those of the environment. If they come from the stack.env of an earlier stack, run: unset ${others.join(' ')}`;
  }
  if (stack || !env.WINDROW_STATE_DIR || !existsSync(path.join(defaultStateDir, 'stack.env')))
    return undefined;
  return `WINDROW_STATE_DIR is ${env.WINDROW_STATE_DIR}, where no stack runs; one runs in ${defaultStateDir}. To use that one, run: unset WINDROW_STATE_DIR`;
}

/** The environment of {@link resolveEnvironment}. @throws WindrowError USAGE if it describes no installation */
export function installationEnvironment(env: NodeJS.ProcessEnv, stateDir: string): NodeJS.ProcessEnv {
  const resolved = resolveEnvironment(env, stateDir);
  if (resolved.source !== 'nothing') return resolved.env;
  const message = `no stack runs in ${stateDir}, and the environment names none (${endpointNames.join(', ')}); start one with: windrow stack up`;
  throw new WindrowError('USAGE', message);
}
