import { setScrapeTargets } from '../scrape-targets.ts';
import { stackPaths } from '../state.ts';
import { type GroupStatus, groupStatus, startInBackground, stopGroup } from '../supervision/background.ts';
import { type ServiceRecord, servicesGroup } from './record.ts';
import type { ServiceName } from './service-list.ts';
import type { ServicesOptions } from './services.ts';

/**
 * `windrow up`: starts the services under a supervisor process in the background. Returns their records when all are ready,
 * or those of services that are ready already.
 * @throws WindrowError as startServices
 */
export async function startBackgroundServices(options: ServicesOptions): Promise<ServiceRecord[]> {
  const { stateDir, env, names = [], log = () => undefined } = options;
  const paths = stackPaths(stateDir);
  const running = servicesStatus(paths.stateDir);
  if (running.state === 'ready') {
    log(`the services of ${paths.stateDir} are running already`);
    return running.services;
  }
  await startInBackground(servicesGroup, paths, { names, env, log });
  return servicesStatus(paths.stateDir).services;
}

/**
 * `windrow down`: fulfilled when no process of the services is running. False if none were started.
 * @throws WindrowError USAGE if the services are embedded in another program
 */
export async function stopServices(stateDir: string): Promise<boolean> {
  const paths = stackPaths(stateDir);
  if (servicesStatus(paths.stateDir).state === 'stopped') return false;
  await stopGroup(servicesGroup, paths, () => setScrapeTargets(paths.stateDir, []));
  return true;
}

export interface ServicesStatus {
  /** `stopped`: never started, or stopped; `crashed`: their supervisor ended without stopping them. */
  state: GroupStatus<ServiceName>['state'];
  supervisorPid?: number;
  services: ServiceRecord[];
}

export function servicesStatus(stateDir: string): ServicesStatus {
  const { processes, ...status } = groupStatus<ServiceName>(servicesGroup, stackPaths(stateDir));
  return { ...status, services: processes };
}
