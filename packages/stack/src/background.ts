import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, WindrowError } from '@windrow/runtime';
import { endLeftovers } from './leftovers.ts';
import { isAlive, ownerVariable, sendSignal } from './process-identity.ts';
import {
  logFile,
  type PartName,
  type PartRecord,
  readJson,
  readStackEnv,
  type StackEndpoints,
  type StackRecord,
  stackPaths,
} from './state.ts';
import type { SupervisorMessage } from './supervisor.ts';

const stopWithinMs = 30_000;

export interface BackgroundOptions {
  stateDir: string;
  log?: (line: string) => void;
  parts?: readonly PartName[];
}

/**
 * `windrow stack up`: starts the stack under a supervisor process in the background and returns its endpoints when all is
 * ready. When one runs in `stateDir` already and is ready, its endpoints are the answer. Errors as of startStack.
 */
export async function startBackgroundStack(options: BackgroundOptions): Promise<StackEndpoints> {
  const paths = stackPaths(options.stateDir);
  const running = stackStatus(paths.stateDir);
  if (running.state === 'ready') {
    options.log?.(`the stack of ${paths.stateDir} runs already`);
    return readStackEnv(paths.stateDir);
  }
  mkdirSync(paths.logs, { recursive: true });
  const log = openSync(logFile(paths, 'supervisor'), 'a');
  const supervisor = fork(
    path.join(import.meta.dirname, 'supervisor.ts'),
    [paths.stateDir, ...(options.parts ?? [])],
    {
      detached: true,
      execArgv: [],
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, [ownerVariable]: paths.stateDir },
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
      const how = `the supervisor ended (${signal ?? `exit code ${code}`}) before the stack was ready`;
      reject(new WindrowError('STACK_PART_FAILED', `${how}; see ${logFile(paths, 'supervisor')}`));
    });
  });
  supervisor.removeAllListeners();
  supervisor.unref();
  return readStackEnv(paths.stateDir);
}

/**
 * `windrow stack down`: asks the supervisor to stop, and ends what is left when it is gone or does not. Fulfilled when no
 * process of the stack is left; `stopped` is false when there was none.
 */
export async function stopStack(stateDir: string): Promise<{ stopped: boolean; leftovers: number }> {
  const paths = stackPaths(stateDir);
  const record = readJson<StackRecord>(paths.record);
  const owned = record !== undefined && isAlive(record.owner);
  if (owned) {
    if (record.owner.kind === 'embedded') {
      throw new WindrowError(
        'USAGE',
        `the stack of ${paths.stateDir} belongs to the running process ${record.owner.pid}, which stops it when it ends`,
      );
    }
    sendSignal(record.owner.pid, 'SIGTERM');
    const deadlineMs = performance.now() + stopWithinMs;
    while (isAlive(record.owner) && performance.now() < deadlineMs) await delay(50);
    if (isAlive(record.owner)) sendSignal(record.owner.pid, 'SIGKILL');
  }
  const leftovers = await endLeftovers(paths, record);
  for (const file of [paths.record, paths.env]) rmSync(file, { force: true });
  rmSync(paths.data, { recursive: true, force: true });
  return { stopped: owned || leftovers > 0, leftovers };
}

export interface StackStatus {
  /** `stopped`: none was started, or it was stopped; `crashed`: its supervisor is gone without having stopped it. */
  state: StackRecord['state'] | 'stopped' | 'crashed';
  supervisorPid?: number;
  parts: PartRecord[];
}

/** What is known of the stack of `stateDir` and its parts; a part that died carries how, with the end of its log. */
export function stackStatus(stateDir: string): StackStatus {
  const paths = stackPaths(stateDir);
  const record = readJson<StackRecord>(paths.record);
  if (!record) return { state: 'stopped', parts: [] };
  const alive = isAlive(record.owner);
  const dead = record.parts.some((part) => part.state === 'failed');
  const state = !alive ? 'crashed' : record.state === 'ready' && dead ? 'failed' : record.state;
  return { state, ...(alive ? { supervisorPid: record.owner.pid } : {}), parts: record.parts };
}
