import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, WindrowError } from '@windrow/runtime';
import { logFile, type StackPaths } from '../state.ts';
import { endLeftovers } from './leftovers.ts';
import { isAlive, ownerVariable, sendSignal } from './process-identity.ts';
import { type GroupKind, type GroupRecord, type ProcessRecord, readRecord, recordPath } from './record.ts';

/** What the background supervisor sends to the process that started it. */
export type SupervisorMessage =
  | { kind: 'log'; line: string }
  | { kind: 'ready' }
  | { kind: 'failed'; code: string; message: string };

const supervisorFile = path.join(import.meta.dirname, '../supervisor.ts');

/**
 * Starts a group under a supervisor process in the background; fulfilled when all of it is ready. Without names, the
 * supervisor starts everything that the group has.
 * @throws WindrowError that the start failed with
 */
export async function startInBackground(
  kind: GroupKind,
  paths: StackPaths,
  options: { names?: readonly string[]; env: NodeJS.ProcessEnv; log?: (line: string) => void },
): Promise<void> {
  mkdirSync(paths.logs, { recursive: true });
  const logPath = logFile(paths, kind.supervisorLog);
  const log = openSync(logPath, 'a');
  const supervisor = fork(supervisorFile, [kind.name, paths.stateDir, ...(options.names ?? [])], {
    detached: true,
    execArgv: [],
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...options.env, [ownerVariable]: paths.stateDir },
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    supervisor.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'log') options.log?.(message.line);
      else if (message.kind === 'ready') resolve();
      else reject(new WindrowError(message.code as ErrorCode, message.message));
    });
    supervisor.once('error', reject);
    supervisor.once('exit', (code, signal) => {
      const how = `the supervisor of the ${kind.name} ended (${signal ?? `exit code ${code}`}) before all were ready`;
      reject(new WindrowError(kind.errorCode, `${how}. Its log: ${logPath}`));
    });
  });
  supervisor.removeAllListeners();
  supervisor.unref();
}

export interface StoppedGroup {
  /** Whether a supervisor was running. */
  supervised: boolean;
  /** How many processes were left without one. */
  leftovers: number;
}

/**
 * Asks the supervisor of a group to stop, kills it if it does not, and stops processes that are left. Fulfilled when no
 * process of the group is running. `cleanUp` runs before the state directory is given up.
 * @throws WindrowError USAGE if the group is embedded in another program
 */
export async function stopGroup(
  kind: GroupKind,
  paths: StackPaths,
  cleanUp: () => void,
): Promise<StoppedGroup> {
  const record = readRecord(kind, paths);
  const supervised = record !== undefined && isAlive(record.owner);
  if (supervised) {
    const { owner } = record;
    if (owner.kind === 'embedded') {
      throw new WindrowError(
        'USAGE',
        `the ${kind.name} of ${paths.stateDir} can only be stopped by the program that started it and is running (process ${owner.pid}): stop that program`,
      );
    }
    sendSignal(owner.pid, 'SIGTERM');
    const deadlineMs = performance.now() + kind.stopWithinMs;
    while (isAlive(owner) && performance.now() < deadlineMs) await delay(50);
    if (isAlive(owner)) sendSignal(owner.pid, 'SIGKILL');
  }
  const leftovers = await endLeftovers(kind, paths, record);
  cleanUp();
  rmSync(recordPath(kind, paths), { force: true });
  return { supervised, leftovers };
}

export interface GroupStatus<Name extends string> {
  /** `stopped`: never started, or stopped; `crashed`: its supervisor ended without stopping it. */
  state: GroupRecord['state'] | 'stopped' | 'crashed';
  supervisorPid?: number;
  processes: ProcessRecord<Name>[];
}

export function groupStatus<Name extends string>(kind: GroupKind, paths: StackPaths): GroupStatus<Name> {
  const record = readRecord<Name>(kind, paths);
  if (!record) return { state: 'stopped', processes: [] };
  const { owner, state, processes } = record;
  return isAlive(owner) ? { state, supervisorPid: owner.pid, processes } : { state: 'crashed', processes };
}
