import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Identifies a process even if its id is reused: `startedAt` is its start time as the system reports it. */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
}

let bootId: string | undefined;

function linuxStart(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the command in parentheses. It may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie counts as dead: in a container without an init, it may never be reaped.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${bootId}/${fields[19]}`;
}

function psStart(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

function startOf(pid: number): string | undefined {
  return process.platform === 'linux' ? linuxStart(pid) : psStart(pid);
}

/** Undefined if no such process is running. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** False also if the id now belongs to another process. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startOf(identity.pid) === identity.startedAt;
}

/** Sends a signal to a process, or with a negative id to its group. Does nothing if it has ended. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The environment variable that marks every process of a stack with its state directory. */
export const ownerVariable = 'WINDROW_STACK_OWNER';

/**
 * The running processes of the stack of `stateDir`, found without its record: by the mark in their environment, or by the
 * data directory for Postgres, which overwrites its environment. Empty on systems other than Linux.
 */
export function processesOf(stateDir: string): ProcessIdentity[] {
  if (process.platform !== 'linux') return [];
  const mark = `${ownerVariable}=${stateDir}`;
  const found: ProcessIdentity[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const marked = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
      if (!marked && !isPostgresOf(pid, stateDir)) continue;
    } catch {
      continue; // it has ended, or belongs to another user
    }
    const identity = identify(pid);
    if (identity) found.push(identity);
  }
  return found;
}

function isPostgresOf(pid: number, stateDir: string): boolean {
  const cwd = readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
  return (
    cwd === `${stateDir}/data/postgres` && /\/postgres( \(deleted\))?$/.test(readlinkSync(`/proc/${pid}/exe`))
  );
}
