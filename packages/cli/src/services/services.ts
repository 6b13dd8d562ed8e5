import { rmSync } from 'node:fs';
import { WindrowError } from '@windrow/runtime';
import {
  choosePorts,
  identify,
  isAlive,
  type StackPaths,
  setEnvironmentNames,
  setScrapeTargets,
  stackPaths,
} from '@windrow/stack';
import {
  compileCache,
  loopbackSettings,
  type ServiceDefinition,
  type ServiceName,
  serviceNames,
  services,
} from './definitions.ts';
import {
  addressOf,
  readRecord,
  recordPath,
  type ServiceRecord,
  type ServicesRecord,
  writeRecord,
} from './record.ts';
import { adminAddress, SupervisedService } from './supervised-service.ts';

export interface ServicesOptions {
  /** Holds their record, logs and remembered ports; the local stack's own directory where they run on it. */
  stateDir: string;
  /** What they are configured by: the endpoints, and any variable of their configs. */
  env: NodeJS.ProcessEnv;
  /** Default: all four. */
  names?: readonly ServiceName[];
  /** Progress, one line a call. Default: silent. */
  log?: (line: string) => void;
}

export interface Services {
  /** As they are now. */
  readonly records: ServiceRecord[];
  /** Stops one and leaves it stopped. SIGKILL is a crash. */
  stopService(name: ServiceName, signal?: NodeJS.Signals): Promise<void>;
  /** Starts one that was stopped; fulfilled when it is ready. */
  startService(name: ServiceName): Promise<void>;
  /** As if from outside: after SIGKILL it is started again; SIGSTOP and SIGCONT are a pause. */
  signalService(name: ServiceName, signal: NodeJS.Signals): void;
  /** Stops all of them. */
  stop(): Promise<void>;
}

/**
 * Starts the services as children of this process; fulfilled when all are ready. They end with this process, however it
 * ends, and one that dies is started again.
 * @throws WindrowError SERVICE_FAILED naming the one that does not come up, with the end of its log, when all are stopped;
 * USAGE where services of this state directory run already
 */
export async function startServices(
  options: ServicesOptions,
  kind: ServicesRecord['owner']['kind'] = 'embedded',
): Promise<Services> {
  const log = options.log ?? (() => undefined);
  const paths = stackPaths(options.stateDir);
  const record = claim(paths, kind);
  const wanted = services.filter(({ name }) => (options.names ?? serviceNames).includes(name));
  const save = () => writeRecord(paths.stateDir, record);
  const supervised: SupervisedService[] = [];
  for (const definition of wanted) {
    const ports = await portsOf(paths, definition, options.env);
    const listener = { log, changed: save };
    supervised.push(
      new SupervisedService(definition, {
        paths,
        env: environmentOf(definition, options.env, ports),
        ports,
        listener,
      }),
    );
  }
  record.services = supervised.map((service) => service.record);

  async function stopAll(): Promise<void> {
    record.state = 'stopping';
    save();
    setScrapeTargets(paths.stateDir, []);
    setEnvironmentNames(paths.stateDir, { PRODUCER_URL: undefined });
    const stopped = await Promise.allSettled(supervised.map((service) => service.stop()));
    rmSync(recordPath(paths.stateDir), { force: true });
    for (const result of stopped) if (result.status === 'rejected') throw result.reason;
  }

  try {
    const starts = supervised.map((service) => service.start());
    for (const start of starts) start.catch(() => undefined);
    await Promise.all(starts);
  } catch (error) {
    await stopAll().catch(() => undefined);
    throw error;
  }
  record.state = 'ready';
  save();
  setScrapeTargets(
    paths.stateDir,
    record.services.map((service) => ({ job: service.name, address: adminAddress(service) })),
  );
  const producer = record.services.find(({ name }) => name === 'producer');
  if (producer) setEnvironmentNames(paths.stateDir, { PRODUCER_URL: addressOf(producer, 'http') });

  const named = (name: ServiceName): SupervisedService => {
    const found = supervised.find((service) => service.record.name === name);
    if (!found) throw new WindrowError('USAGE', `${name} is not among the services that were started`);
    return found;
  };
  let stopping: Promise<void> | undefined;
  return {
    records: record.services,
    stopService: (name, signal) => named(name).stop(signal),
    startService: (name) => named(name).start(),
    signalService: (name, signal) => named(name).signal(signal),
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

function claim(paths: StackPaths, kind: ServicesRecord['owner']['kind']): ServicesRecord {
  const former = readRecord(paths.stateDir);
  if (former && isAlive(former.owner)) {
    const message = `services of ${paths.stateDir} are ${former.state} already (process ${former.owner.pid}): stop them with windrow down`;
    throw new WindrowError('USAGE', message);
  }
  const self = identify(process.pid);
  if (!self)
    throw new WindrowError('SERVICE_FAILED', 'this process can not be told from others on this system');
  return { owner: { ...self, kind }, state: 'starting', services: [] };
}

async function portsOf(
  paths: StackPaths,
  { name, ports }: ServiceDefinition,
  env: NodeJS.ProcessEnv,
): Promise<Record<string, number>> {
  const free = ports.filter(({ variable }) => !env[variable]);
  const keys = ['admin', ...free.map((port) => port.name)].map((port) => `${name}.${port}`);
  const chosen = await choosePorts(paths, keys);
  return {
    admin: chosen[`${name}.admin`]!,
    ...Object.fromEntries(
      ports.map((port) => [
        port.name,
        env[port.variable] ? Number(env[port.variable]) : chosen[`${name}.${port.name}`]!,
      ]),
    ),
  };
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
