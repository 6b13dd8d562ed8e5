import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { WindrowError } from '@windrow/runtime';
import { identify, isAlive, ownerVariable, type ProcessIdentity, sendSignal } from './process-identity.ts';

const keeper = path.join(import.meta.dirname, 'keeper.sh');

/** How long the keeper waits for the command to stop once the supervisor is gone. */
const orphanGraceSeconds = 3;

/** How a command ended, in words. */
export type Ending = string;

export interface Child {
  keeper: ProcessIdentity;
  /** The command itself. */
  process: ProcessIdentity;
  /** Fulfilled when it has ended, for any reason. */
  ended: Promise<{ ok: boolean; how: Ending }>;
  /** Sends a signal to the command itself, not to its keeper. */
  signal(signal: NodeJS.Signals): void;
  /** Sends `signal`, and kills its process group after the grace time. Fulfilled when it has ended. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface ChildOptions {
  command: string[];
  env: Record<string, string>;
  cwd: string;
  logFile: string;
  stopSignal: NodeJS.Signals;
  /** How long a stop may take before the process is killed. */
  stopGraceMs: number;
  stateDir: string;
}

const signalNames = new Map(Object.entries(os.constants.signals).map(([name, number]) => [number, name]));

function describe(code: number | null, signal: NodeJS.Signals | null): Ending {
  // A shell reports a signal as 128 plus its number.
  const name = signal ?? (code !== null && code > 128 ? signalNames.get(code - 128) : undefined);
  return name === undefined ? `ended with exit code ${code}` : `was ended by ${name}`;
}

/** Starts a command under a keeper, which stops it when this process ends. Its output is appended to the log file. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { stopGraceMs } = options;
  const log = openSync(options.logFile, 'a');
  const spawned = spawn(
    '/bin/sh',
    [keeper, options.stopSignal.slice(3), String(orphanGraceSeconds), ...options.command],
    {
      cwd: options.cwd,
      env: { ...process.env, ...options.env, [ownerVariable]: options.stateDir },
      // Its own process group: Ctrl-C in the terminal reaches only the supervisor, which stops its processes.
      detached: true,
      stdio: ['pipe', log, log, 'pipe'],
    },
  );
  closeSync(log);
  const ended = new Promise<{ ok: boolean; how: Ending }>((resolve) => {
    spawned.once('error', (error) => resolve({ ok: false, how: `could not be started: ${error.message}` }));
    spawned.once('exit', (code, signal) => resolve({ ok: code === 0, how: describe(code, signal) }));
  });
  spawned.stdin?.on('error', () => undefined); // it has ended, and `ended` reports it
  const group = spawned.pid;
  const pid = await firstLine(spawned.stdio[3] as Readable);
  const found = pid === undefined ? undefined : identify(pid);
  const leader = group === undefined ? undefined : identify(group);
  if (pid === undefined || group === undefined) {
    throw new WindrowError('STACK_PART_FAILED', `${options.command[0]} ${(await ended).how}`);
  }
  // A process that has already ended has no identity; `ended` reports it to the caller.
  const identity = found ?? { pid, startedAt: '' };
  const signal = (name: NodeJS.Signals): void => {
    if (isAlive(identity)) sendSignal(pid, name);
  };
  // If the keeper was killed, its command is still running, and nothing else would stop it.
  void ended.then(() => signal('SIGKILL'));
  return {
    keeper: leader ?? { pid: group, startedAt: '' },
    process: identity,
    ended,
    signal,
    async stop(stopSignal) {
      signal(stopSignal);
      // A process paused by SIGSTOP receives the signal only after SIGCONT.
      signal('SIGCONT');
      const late = new Promise<false>((resolve) => setTimeout(resolve, stopGraceMs, false).unref());
      if (await Promise.race([ended.then(() => true), late])) return;
      appendFileSync(
        options.logFile,
        `did not stop within ${stopGraceMs} ms of ${stopSignal} and was killed\n`,
      );
      sendSignal(-group, 'SIGKILL');
      await ended;
    },
  };
}

async function firstLine(stream: Readable): Promise<number | undefined> {
  for await (const line of createInterface({ input: stream })) return Number(line);
  return undefined;
}
