import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultStateDir } from '@windrow/stack';
import type { z } from 'zod';

export const serviceNames = ['producer', 'enricher', 'lake-sink', 'postgres-sink'] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface ServiceDefinition {
  name: ServiceName;
  /** The file that Node runs. */
  main: string;
  /** Port variables beside ADMIN_PORT; one that the environment sets is left as it is. */
  ports: { name: string; variable: string }[];
  /** What Node and the C library read when the process starts; what the environment sets goes before it. */
  env: Record<string, string>;
  /** Loaded when asked for: a service's config may bring much of the service with it. */
  config(): Promise<z.ZodObject>;
}

/** What services get where the environment says nothing of it, as long as only this machine reaches them. */
export function loopbackSettings({ HTTP_HOST = '' }: NodeJS.ProcessEnv): Record<string, string> {
  return /^(127\.\d+\.\d+\.\d+|::1|localhost)?$/.test(HTTP_HOST) ? { WRITE_KEYS: 'optional' } : {};
}

const mainOf = (name: ServiceName) =>
  fileURLToPath(new URL(`../../../../services/${name}/src/main.ts`, import.meta.url));

/**
 * Keeps what Node has made of the sources for the next start: half of a second of a processor less, and 25 MiB of memory.
 * An image has nobody to start it twice.
 */
export const compileCache = { NODE_COMPILE_CACHE: path.join(defaultStateDir, 'compile-cache') };

/** It makes objects of events by the thousand, that live until their transaction has ended: V8 would copy them again and again. */
const enricherEnv = { NODE_OPTIONS: '--max-semi-space-size=64' };

/**
 * A sink's buffers come and go by the megabyte. Left alone, V8 lets its young generation grow to 128 MiB under them, and
 * glibc raises the size from which freed blocks go back to the system: up to 100 MiB more, each, in a backlog (tests/backlog).
 * The sinks' images set the same.
 */
const sinkEnv = (semiSpaceMiB: number) => ({
  NODE_OPTIONS: `--max-semi-space-size=${semiSpaceMiB}`,
  MALLOC_MMAP_THRESHOLD_: '131072',
});

/** In the order of the data. */
export const services: ServiceDefinition[] = [
  {
    name: 'producer',
    main: mainOf('producer'),
    ports: [{ name: 'http', variable: 'HTTP_PORT' }],
    env: {},
    config: async () => (await import('@windrow/producer')).producerConfig,
  },
  {
    name: 'enricher',
    main: mainOf('enricher'),
    ports: [],
    env: enricherEnv,
    config: async () => (await import('@windrow/enricher')).enricherConfig,
  },
  {
    name: 'lake-sink',
    main: mainOf('lake-sink'),
    ports: [],
    // It makes few objects.
    env: sinkEnv(4),
    config: async () => (await import('@windrow/lake-sink')).lakeSinkConfig,
  },
  {
    name: 'postgres-sink',
    main: mainOf('postgres-sink'),
    ports: [],
    env: sinkEnv(16),
    config: async () => (await import('@windrow/postgres-sink')).postgresSinkConfig,
  },
];
