import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { applyInstallation, type Installation, openInstallation } from '@windrow/operations';
import { Teardown } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import { choosePorts, defaultStateDir, type Stack, services, stackPaths, startStack } from '@windrow/stack';
import { FaultProxy } from './fault-proxy.ts';
import { Instance } from './instance.ts';
import { nameOf } from './schedule.ts';

/** A stack with proxies in front of S3 and the registry, and processes of every service. */
export interface Platform {
  stack: Stack;
  /** The addresses of the stack's parts, without the proxies. */
  env: NodeJS.ProcessEnv;
  /** The environment of the services, with the addresses of the proxies. */
  serviceEnv: Record<string, string>;
  proxies: { S3: FaultProxy; registry: FaultProxy };
  /** By name: two running instances of each service, and a third one that starts stopped. */
  instances: Map<string, Instance>;
  installation: Installation;
  /** The addresses of the producers that run all the time. */
  producerUrls: string[];
  /** Stops everything. The logs are kept if somebody needs them. */
  stop(keepLogs: boolean): Promise<void>;
}

/** Fulfilled when everything is ready. If the start fails, everything is stopped again. */
export async function startPlatform(log: (line: string) => void): Promise<Platform> {
  const root = path.join(defaultStateDir, 'test');
  mkdirSync(root, { recursive: true });
  const paths = stackPaths(mkdtempSync(path.join(root, 'chaos-')));
  const teardown = new Teardown();
  const stop = async (keepLogs: boolean): Promise<void> => {
    await teardown.run();
    if (keepLogs) log(`the logs are in ${paths.logs}`);
    else rmSync(paths.stateDir, { recursive: true, force: true });
  };
  try {
    return { ...(await setUp(paths, teardown, log)), stop };
  } catch (error) {
    await stop(true).catch(() => undefined);
    throw error;
  }
}

async function setUp(
  paths: ReturnType<typeof stackPaths>,
  teardown: Teardown,
  log: (line: string) => void,
): Promise<Omit<Platform, 'stop'>> {
  const { stateDir } = paths;
  const stack = await startStack({ stateDir, parts: ['kafka', 'registry', 's3', 'postgres'], log });
  teardown.add('stack', () => stack.stop());
  const proxies = {
    S3: await FaultProxy.before(must(stack.endpoints.S3_ENDPOINT)),
    registry: await FaultProxy.before(must(stack.endpoints.SCHEMA_REGISTRY_URL)),
  };
  teardown.add('proxies', async () => {
    await Promise.all([proxies.S3.close(), proxies.registry.close()]);
  });
  const env: NodeJS.ProcessEnv = { ...process.env, ...stack.endpoints, KAFKA_PARTITIONS: '4' };
  await applyInstallation(env);

  const serviceEnv = throughProxies(env, proxies);
  const instances = new Map<string, Instance>();
  for (const definition of services) {
    for (const number of [1, 2, 3]) {
      const name = nameOf({ service: definition.name, number });
      const wanted = ['admin', ...definition.ports.map((port) => port.name)];
      const chosen = await choosePorts(
        paths,
        wanted.map((port) => `${name}.${port}`),
      );
      const ports = Object.fromEntries(wanted.map((port) => [port, must(chosen[`${name}.${port}`])]));
      const instance = new Instance(name, definition, { paths, env: serviceEnv, ports });
      instances.set(name, instance);
    }
  }
  teardown.add('services', async () => {
    await Promise.all([...instances.values()].map((instance) => instance.stop()));
  });
  const lasting = [...instances.values()].filter(({ name }) => !name.endsWith('-3'));
  await Promise.all(lasting.map((instance) => instance.start()));

  const installation = await openInstallation(env);
  teardown.add('installation', () => installation.close());
  const producers = lasting.filter(({ name }) => name.startsWith('producer'));
  return {
    stack,
    env,
    serviceEnv,
    proxies,
    instances,
    installation,
    producerUrls: producers.map(({ ports }) => `http://127.0.0.1:${ports.http}`),
  };
}

/** Small micro-batches and short windows, so that faults meet many commits and compactions. */
function throughProxies(env: NodeJS.ProcessEnv, proxies: Platform['proxies']): Record<string, string> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...Object.fromEntries(set),
    S3_ENDPOINT: proxies.S3.url,
    SCHEMA_REGISTRY_URL: proxies.registry.url,
    LAKE_MAX_AGE_SECONDS: '3',
    LAKE_COMPACTION: 'on',
    ALLOWED_LATENESS_SECONDS: '5',
    POSTGRES_MAX_AGE_SECONDS: '1',
    WRITE_KEYS: 'optional',
  };
}
