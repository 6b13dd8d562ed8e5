import { existsSync } from 'node:fs';
import path from 'node:path';
import { WindrowError } from '@windrow/runtime';
import { defaultStateDir, readStackEnv } from '@windrow/stack';

/** What names an installation; one of them in the environment means that the environment names all of it. */
const endpointNames = [
  'KAFKA_BROKERS',
  'SCHEMA_REGISTRY_URL',
  'S3_ENDPOINT',
  'LAKE_BUCKET',
  'DATABASE_URL',
] as const;

/** The directory of the local stack and its services. `WINDROW_STATE_DIR` sets another one than the clone's `.windrow`. */
export function stateDirOf(env: NodeJS.ProcessEnv): string {
  return env.WINDROW_STATE_DIR ? path.resolve(env.WINDROW_STATE_DIR) : defaultStateDir;
}

/** Where the settings come from: the environment as it is, or with the local stack's endpoints over it. */
export interface Environment {
  source: 'environment' | 'stack' | 'nothing';
  env: NodeJS.ProcessEnv;
}

/**
 * An environment that names an endpoint counts as it is, and alone: mixing it with the local stack's could send one
 * installation's events to another one's tables. Otherwise the local stack's endpoints are used, where one runs.
 */
export function resolveEnvironment(env: NodeJS.ProcessEnv, stateDir: string): Environment {
  if (endpointNames.some((name) => env[name] || env[`${name}_FILE`])) return { source: 'environment', env };
  if (!existsSync(path.join(stateDir, 'stack.env'))) return { source: 'nothing', env };
  return { source: 'stack', env: { ...env, ...readStackEnv(stateDir) } };
}

/** The environment of {@link resolveEnvironment}. Error: USAGE where it names no installation. */
export function installationEnvironment(env: NodeJS.ProcessEnv, stateDir: string): NodeJS.ProcessEnv {
  const resolved = resolveEnvironment(env, stateDir);
  if (resolved.source !== 'nothing') return resolved.env;
  const message = `no stack runs in ${stateDir}, and the environment names none (${endpointNames.join(', ')}); start one with: windrow stack up`;
  throw new WindrowError('USAGE', message);
}
