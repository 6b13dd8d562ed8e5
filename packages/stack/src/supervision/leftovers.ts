import { setTimeout as delay } from 'node:timers/promises';
import { WindrowError } from '@windrow/runtime';
import type { StackPaths } from '../state.ts';
import { isAlive, type ProcessIdentity, processesOf, sendSignal } from './process-identity.ts';
import type { GroupKind, GroupRecord } from './record.ts';

const killAfterMs = 3_000;
const giveUpAfterMs = 13_000;

function remaining(
  kind: GroupKind,
  paths: StackPaths,
  record: GroupRecord | undefined,
): Map<number, ProcessIdentity> {
  const recorded = (record?.processes ?? []).flatMap(({ keeper, process }) => [keeper, process]);
  const marked = kind.ownsMarkedProcesses ? processesOf(paths.stateDir) : [];
  const byPid = new Map<number, ProcessIdentity>();
  for (const identity of [...recorded, ...marked]) {
    if (identity && identity.pid !== record?.owner.pid && isAlive(identity))
      byPid.set(identity.pid, identity);
  }
  return byPid;
}

/**
 * Stops every process of a group whose supervisor is gone, and returns how many there were. It sends SIGTERM first, so that
 * Postgres releases its shared memory, and kills the rest after 3 s. A process that has been given the id of a dead one is
 * left alone.
 */
export async function endLeftovers(
  kind: GroupKind,
  paths: StackPaths,
  record: GroupRecord | undefined,
): Promise<number> {
  const found = remaining(kind, paths, record);
  for (const pid of found.keys()) {
    sendSignal(pid, 'SIGTERM');
    sendSignal(pid, 'SIGCONT');
  }
  const keepers = new Set((record?.processes ?? []).map(({ keeper }) => keeper?.pid));
  const begunMs = performance.now();
  for (let left = found; left.size > 0; left = remaining(kind, paths, record)) {
    const waitedMs = performance.now() - begunMs;
    if (waitedMs > giveUpAfterMs) {
      const pids = [...left.keys()].join(', ');
      throw new WindrowError(kind.errorCode, `processes ${pids} of ${paths.stateDir} do not end on SIGKILL`);
    }
    if (waitedMs > killAfterMs) {
      for (const pid of left.keys()) sendSignal(keepers.has(pid) ? -pid : pid, 'SIGKILL');
    }
    await delay(50);
  }
  return found.size;
}
