import path from 'node:path';
import { type ErrorCode, WindrowError } from '@windrow/runtime';
import { readJson, type StackPaths, writeWhole } from '../state.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';

/** The version of the format below. A record of any other version is not interpreted, except for its owner. */
export const recordVersion = 1;

export type ProcessState = 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped' | 'failed';

/** A supervised process on disk: enough to find and stop it without the process that started it. */
export interface ProcessRecord<Name extends string = string> {
  name: Name;
  state: ProcessState;
  /** Name → port on loopback. A port is kept across restarts, also of the whole group, if it is still free. */
  ports: Record<string, number>;
  /** How many times it died and was started again. */
  restarts: number;
  /** The leader of its process group. */
  keeper?: ProcessIdentity | undefined;
  process?: ProcessIdentity | undefined;
  /** How it last died or why it did not start, with the end of its log. */
  failure?: string | undefined;
}

/** The process that supervises a group: the background supervisor, or a program that embeds the supervision. */
export type OwnerKind = 'supervisor' | 'embedded';

export interface GroupRecord<Name extends string = string> {
  version: typeof recordVersion;
  owner: ProcessIdentity & { kind: OwnerKind };
  state: 'starting' | 'ready' | 'stopping';
  processes: ProcessRecord<Name>[];
}

/** A group of processes that are started and stopped together: the parts of the local stack, or the services. */
export interface GroupKind {
  name: 'stack' | 'services';
  /** In the state directory. */
  recordFile: string;
  /** The name of the background supervisor's own log. */
  supervisorLog: string;
  downCommand: string;
  /** The code of the error for a process that does not start or that dies. */
  errorCode: ErrorCode;
  /** The code of the error for a start while the group is running. */
  runningCode: ErrorCode;
  /** How long its supervisor may take to stop before it is killed. Longer than any of its processes may take. */
  stopWithinMs: number;
  /** Whether every process that carries the mark of the state directory belongs to it, or only the recorded ones. */
  ownsMarkedProcesses: boolean;
}

export function recordPath(kind: GroupKind, paths: StackPaths): string {
  return path.join(paths.stateDir, kind.recordFile);
}

/**
 * Undefined if the group was never started or was stopped. A record of another version whose owner is gone is returned
 * without its processes.
 * @throws WindrowError FILE_UNREADABLE if the record has another version and its owner is running
 */
export function readRecord<Name extends string>(
  kind: GroupKind,
  paths: StackPaths,
): GroupRecord<Name> | undefined {
  const file = recordPath(kind, paths);
  const record = readJson<Partial<GroupRecord<Name>>>(file);
  if (record === undefined) return undefined;
  if (record.version === recordVersion) return record as GroupRecord<Name>;
  const owner = record.owner ?? { pid: 0, startedAt: '', kind: 'supervisor' };
  if (isAlive(owner)) {
    throw new WindrowError(
      'FILE_UNREADABLE',
      `${file} was written by another version of Windrow (format ${record.version ?? 0}, expected ${recordVersion}), and process ${owner.pid} of that version is running: stop it with SIGTERM`,
    );
  }
  return { version: recordVersion, owner, state: 'ready', processes: [] };
}

export function writeRecord(kind: GroupKind, paths: StackPaths, record: GroupRecord): void {
  writeWhole(recordPath(kind, paths), `${JSON.stringify(record, null, 2)}\n`);
}
