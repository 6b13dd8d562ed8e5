import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type StackPaths, stackPaths, writeWhole } from './state.ts';

/** Where Prometheus finds a service's /metrics. */
export interface ScrapeTarget {
  /** The service's name. */
  job: string;
  /** host:port */
  address: string;
}

export function writeScrapeTargets(paths: StackPaths, targets: ScrapeTarget[]): void {
  mkdirSync(paths.prometheus, { recursive: true });
  const groups = targets.map(({ job, address }) => ({ targets: [address], labels: { job } }));
  writeWhole(path.join(paths.prometheus, 'targets.json'), `${JSON.stringify(groups, null, 2)}\n`);
}

/** Replaces the targets of the stack's Prometheus, which reads them again at its file_sd refresh interval. */
export function setScrapeTargets(stateDir: string, targets: ScrapeTarget[]): void {
  writeScrapeTargets(stackPaths(stateDir), targets);
}
