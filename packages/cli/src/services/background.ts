import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, WindrowError } from '@windrow/runtime';
import {
  isAlive,
  logFile,
  ownerVariable,
  type ProcessIdentity,
  sendSignal,
  setScrapeTargets,
  stackPaths,
} from '@windrow/stack';
import { serviceNames } from './definitions.ts';
import { readRecord, recordPath, type ServiceRecord, type ServicesRecord } from './record.ts';
import type { ServicesOptions } from './services.ts';
import type { SupervisorMessage } from './supervisor.ts';

/** The supervisor gives its services 35 s. */
const stopWithinMs = 45_000;
/** How long the keepers of a supervisor that is gone are waited for; they give the services 3 s. */
const leftoversWithinMs = 6_000;

/**
 * `windrow up`: starts the services under a supervisor process in the background; fulfilled when all are ready. Those that
 * run already are the answer.
 * @throws WindrowError SERVICE_FAILED naming the one that does not come up, with the end of its log
 */
export async function startBackgroundServices(options: ServicesOptions): Promise<ServiceRecord[]> {
  const paths = stackPaths(options.stateDir);
  const running = servicesStatus(paths.stateDir);
  if (running.state === 'ready') {
    options.log?.(`the services of ${paths.stateDir} run already`);
    return running.services;
  }
  // What a crashed supervisor has left is about to end; its ports and its partitions are wanted.
  if (running.state === 'crashed') await stopServices(paths.stateDir);
  mkdirSync(paths.logs, { recursive: true });
  const log = openSync(logFile(paths, 'services'), 'a');
  const supervisor = fork(
    fileURLToPath(new URL('./supervisor.ts', import.meta.url)),
    [paths.stateDir, ...(options.names ?? serviceNames)],
    {
      detached: true,
      execArgv: [],
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...options.env, [ownerVariable]: paths.stateDir },
    },
  );
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    supervisor.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'log') options.log?.(message.line);
      else if (message.kind === 'ready') resolve();
      else reject(new WindrowError(message.code as ErrorCode, message.message));
    });
    supervisor.once('error', reject);
    supervisor.once('exit', (code, signal) => {
      const how = `their supervisor ended (${signal ?? `exit code ${code}`}) before the services were ready`;
      reject(new WindrowError('SERVICE_FAILED', `${how}; see ${logFile(paths, 'services')}`));
    });
  });
  supervisor.removeAllListeners();
  supervisor.unref();
  return servicesStatus(paths.stateDir).services;
}

/** `windrow down`: fulfilled when no process of the services is left; false where there was none. */
export async function stopServices(stateDir: string): Promise<boolean> {
  const paths = stackPaths(stateDir);
  const record = readRecord(paths.stateDir);
  if (!record) return false;
  const { owner } = record;
  if (isAlive(owner) && owner.kind === 'embedded') {
    const message = `the services of ${paths.stateDir} belong to the running process ${owner.pid}, which stops them when it ends`;
    throw new WindrowError('USAGE', message);
  }
  if (isAlive(owner)) {
    sendSignal(owner.pid, 'SIGTERM');
    await untilGone([owner], stopWithinMs);
  }
  // Only a supervisor that was killed, now or earlier, leaves some.
  await untilGone(processesOf(record), leftoversWithinMs);
  rmSync(recordPath(paths.stateDir), { force: true });
  setScrapeTargets(paths.stateDir, []);
  return true;
}

export interface ServicesStatus {
  /** `stopped`: none were started, or they were stopped; `crashed`: their supervisor is gone without having stopped them. */
  state: ServicesRecord['state'] | 'stopped' | 'crashed';
  services: ServiceRecord[];
}

export function servicesStatus(stateDir: string): ServicesStatus {
  const record = readRecord(stackPaths(stateDir).stateDir);
  if (!record) return { state: 'stopped', services: [] };
  return { state: isAlive(record.owner) ? record.state : 'crashed', services: record.services };
}

function processesOf({ services }: ServicesRecord): ProcessIdentity[] {
  return services
    .flatMap(({ keeper, process }) => [keeper, process])
    .filter((identity) => identity !== undefined);
}

/** Waits until the processes have ended, and kills them when that takes too long. */
async function untilGone(processes: ProcessIdentity[], withinMs: number): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  for (let left = processes; left.length > 0; left = left.filter(isAlive)) {
    if (performance.now() > deadlineMs) for (const { pid } of left) sendSignal(pid, 'SIGKILL');
    await sleep(50);
  }
}
