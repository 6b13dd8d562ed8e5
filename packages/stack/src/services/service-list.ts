import path from 'node:path';
import { WindrowError, z } from '@windrow/runtime';
import { defaultStateDir, repositoryDir } from '../state.ts';

interface ServiceEntry {
  /** The folder below services/. Its src/main.ts is the process, its src/config.ts holds the configuration's schema. */
  name: string;
  /** The name under which src/config.ts exports the schema. */
  config: string;
  /** Ports beside the admin port. The variable is set only if the environment does not set it. */
  ports: readonly { name: string; variable: string }[];
  /** Variables for Node and the C library, read when the process starts. The environment takes precedence. The image sets the same. */
  env: Readonly<Record<string, string>>;
}

/**
 * A sink allocates and frees buffers by the megabyte. By default, V8 lets its young generation grow to 128 MiB, and glibc
 * raises the size from which freed blocks are returned to the system: up to 100 MiB more for each in a backlog (tests/backlog).
 */
const sinkEnv = (semiSpaceMiB: number) => ({
  NODE_OPTIONS: `--max-semi-space-size=${semiSpaceMiB}`,
  MALLOC_MMAP_THRESHOLD_: '131072',
});

/** All services, in the order of the data. A new service needs an entry here. */
const entries = [
  { name: 'producer', config: 'producerConfig', ports: [{ name: 'http', variable: 'HTTP_PORT' }], env: {} },
  {
    name: 'enricher',
    config: 'enricherConfig',
    ports: [],
    // It creates thousands of objects that live until their transaction ends: V8 would copy them repeatedly.
    env: { NODE_OPTIONS: '--max-semi-space-size=64' },
  },
  // It creates few objects.
  { name: 'lake-sink', config: 'lakeSinkConfig', ports: [], env: sinkEnv(4) },
  { name: 'postgres-sink', config: 'postgresSinkConfig', ports: [], env: sinkEnv(16) },
] as const satisfies readonly ServiceEntry[];

export type ServiceName = (typeof entries)[number]['name'];

export interface ServiceDefinition extends Omit<ServiceEntry, 'name' | 'config'> {
  name: ServiceName;
  /** The file that Node runs. */
  main: string;
  /** Loads the configuration's schema. */
  config(): Promise<z.ZodObject>;
}

export const services: readonly ServiceDefinition[] = entries.map((entry) => ({
  ...entry,
  main: sourceFile(entry.name, 'main.ts'),
  config: () => loadSchema(sourceFile(entry.name, 'config.ts'), entry.config),
}));

export const serviceNames: readonly ServiceName[] = entries.map(({ name }) => name);

/** Settings for services that only this machine can reach. The environment takes precedence. */
export function loopbackSettings({ HTTP_HOST = '' }: NodeJS.ProcessEnv): Record<string, string> {
  return /^(127\.\d+\.\d+\.\d+|::1|localhost)?$/.test(HTTP_HOST) ? { WRITE_KEYS: 'optional' } : {};
}

/**
 * Keeps compiled sources for the next start, which saves half a second of CPU time and 25 MiB of memory. Images don't set it:
 * a container starts its process once.
 */
export const compileCache = { NODE_COMPILE_CACHE: path.join(defaultStateDir, 'compile-cache') };

function sourceFile(name: ServiceName, file: string): string {
  return path.join(repositoryDir, 'services', name, 'src', file);
}

// By path: services import packages, and no package imports a service.
async function loadSchema(file: string, exportName: string): Promise<z.ZodObject> {
  const { [exportName]: schema }: Record<string, unknown> = await import(file);
  if (schema instanceof z.ZodObject) return schema;
  throw new WindrowError('SERVICE_FAILED', `${file} does not export a Zod object named ${exportName}`);
}
