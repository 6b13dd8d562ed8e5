import { WindrowError } from '@windrow/runtime';
import { choosePorts } from '../ports.ts';
import { setScrapeTargets } from '../scrape-targets.ts';
import { type StackPaths, setEnvironmentNames, stackPaths } from '../state.ts';
import { SupervisedGroup } from '../supervision/group.ts';
import type { OwnerKind } from '../supervision/record.ts';
import type { ProcessDefinition } from '../supervision/supervised-process.ts';
import { askReady } from './health.ts';
import { addressOf, type ServiceRecord, servicesGroup } from './record.ts';
import {
  compileCache,
  loopbackSettings,
  type ServiceDefinition,
  type ServiceName,
  serviceNames,
  services,
} from './service-list.ts';

const readyWithinMs = 60_000;
/** A service stops within 30 s, or exits with an error. This is longer. */
const stopGraceMs = 35_000;
const restartDelayMs = { first: 1_000, most: 30_000 };

export interface ServicesOptions {
  /** For their record, logs and ports: the local stack's own directory if they run on it. */
  stateDir: string;
  /** Their configuration: the endpoints, and any variable of their configuration schemas. */
  env: NodeJS.ProcessEnv;
  /** Default: all. */
  names?: readonly ServiceName[];
  /** Progress, one line a call. Default: silent. */
  log?: (line: string) => void;
}

export interface Services {
  /** As they are now. */
  readonly records: ServiceRecord[];
  /** Stops a service, which is not restarted. SIGKILL simulates a crash. */
  stopService(name: ServiceName, signal?: NodeJS.Signals): Promise<void>;
  /** Starts a service that was stopped; fulfilled when it is ready. */
  startService(name: ServiceName): Promise<void>;
  /** Sends a signal as if from outside: after SIGKILL it is restarted; SIGSTOP and SIGCONT are a pause. */
  signalService(name: ServiceName, signal: NodeJS.Signals): void;
  /** Stops all of them. */
  stop(): Promise<void>;
}

/**
 * Starts the services as children of this process; fulfilled when all are ready. They stop when this process ends, even by
 * a crash. A service that dies is restarted.
 * @throws WindrowError SERVICE_FAILED with the end of the log of the service that did not start, after all were stopped;
 * USAGE if services of this state directory are running already
 */
export async function startServices(
  options: ServicesOptions,
  owner: OwnerKind = 'embedded',
): Promise<Services> {
  const { log = () => undefined, names = serviceNames } = options;
  const paths = stackPaths(options.stateDir);
  const group = await SupervisedGroup.claim<ServiceName>(servicesGroup, paths, { owner, log });
  const stop = () => {
    publish(paths, []);
    return group.stop();
  };
  try {
    const definitions: ProcessDefinition<ServiceName>[] = [];
    for (const service of services.filter(({ name }) => names.includes(name))) {
      definitions.push(
        definitionOf(service, options.env, { paths, ports: await portsOf(paths, service, options.env) }),
      );
    }
    await group.start(definitions);
    group.markReady();
    publish(paths, group.records);
  } catch (error) {
    await stop().catch(() => undefined); // the first error explains the failure
    throw error;
  }
  return {
    records: group.records,
    stopService: (name, signal) => group.process(name).stop(signal),
    startService: (name) => group.process(name).start(),
    signalService: (name, signal) => group.process(name).signal(signal),
    stop,
  };
}

/** Tells the stack's Prometheus and the readers of stack.env where the services are. */
function publish({ stateDir }: StackPaths, records: ServiceRecord[]): void {
  setScrapeTargets(
    stateDir,
    records.map(({ name, ports }) => ({ job: name, address: `127.0.0.1:${ports.admin}` })),
  );
  const producer = records.find(({ name }) => name === 'producer');
  setEnvironmentNames(stateDir, { PRODUCER_URL: producer && addressOf(producer, 'http') });
}

function definitionOf(
  service: ServiceDefinition,
  env: NodeJS.ProcessEnv,
  { paths, ports }: { paths: StackPaths; ports: Record<string, number> },
): ProcessDefinition<ServiceName> {
  return {
    name: service.name,
    ports,
    launch: async () => ({
      before: [],
      command: [process.execPath, service.main],
      env: environmentOf(service, env, ports),
      cwd: paths.stateDir,
    }),
    async check() {
      const { ready, reasons } = await askReady({ ports });
      if (!ready) throw new WindrowError('SERVICE_FAILED', reasons.join('; '), { retriable: true });
    },
    readyWithinMs,
    stopSignal: 'SIGTERM',
    stopGraceMs,
    restartDelayMs,
  };
}

/** The admin port is always chosen; a port whose variable the environment sets is that one. */
async function portsOf(
  paths: StackPaths,
  { name, ports }: ServiceDefinition,
  env: NodeJS.ProcessEnv,
): Promise<Record<string, number>> {
  const set = ports.filter(({ variable }) => env[variable]);
  const free = ['admin', ...ports.filter((port) => !set.includes(port)).map((port) => port.name)];
  const chosen = await choosePorts(
    paths,
    free.map((port) => `${name}.${port}`),
  );
  return Object.fromEntries([
    ...free.map((port) => [port, chosen[`${name}.${port}`]]),
    ...set.map((port) => [port.name, Number(env[port.variable])]),
  ]);
}

function environmentOf(
  { ports, env: own }: ServiceDefinition,
  env: NodeJS.ProcessEnv,
  chosen: Record<string, number>,
): Record<string, string> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...own,
    ...compileCache,
    ...loopbackSettings(env),
    ...Object.fromEntries(set),
    ADMIN_HOST: '127.0.0.1',
    ADMIN_PORT: String(chosen.admin),
    ...Object.fromEntries(ports.map(({ name, variable }) => [variable, String(chosen[name])])),
  };
}
