import { setTimeout as delay } from 'node:timers/promises';
import { WindrowError } from '@windrow/runtime';
import { isAlive, type ProcessIdentity, processesOf, sendSignal } from './process-identity.ts';
import type { StackPaths, StackRecord } from './state.ts';

function remaining(paths: StackPaths, record: StackRecord | undefined): ProcessIdentity[] {
  const recorded = (record?.parts ?? []).flatMap((part) => [part.keeper, part.process]);
  const owner = record?.owner.pid;
  const byPid = new Map<number, ProcessIdentity>();
  for (const identity of [...recorded, ...processesOf(paths.stateDir)]) {
    if (identity && identity.pid !== owner && isAlive(identity)) byPid.set(identity.pid, identity);
  }
  return [...byPid.values()];
}

/**
 * Ends every process of a stack whose supervisor is gone, and returns how many there were. Asks first, so that Postgres
 * gives back its shared memory, and kills what is left after three seconds. A process id that meanwhile belongs to
 * somebody else is not touched.
 */
export async function endLeftovers(paths: StackPaths, record: StackRecord | undefined): Promise<number> {
  const found = remaining(paths, record);
  for (const { pid } of found) {
    sendSignal(pid, 'SIGTERM');
    sendSignal(pid, 'SIGCONT');
  }
  const keepers = new Set((record?.parts ?? []).map((part) => part.keeper?.pid));
  const killAtMs = Date.now() + 3_000;
  for (let left = found; left.length > 0; left = remaining(paths, record)) {
    if (Date.now() > killAtMs + 10_000) {
      const pids = left.map(({ pid }) => pid).join(', ');
      throw new WindrowError(
        'STACK_PART_FAILED',
        `processes ${pids} of ${paths.stateDir} do not end on SIGKILL`,
      );
    }
    if (Date.now() > killAtMs) {
      for (const { pid } of left) sendSignal(keepers.has(pid) ? -pid : pid, 'SIGKILL');
    }
    await delay(50);
  }
  return found.length;
}
