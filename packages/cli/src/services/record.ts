import path from 'node:path';
import { type ProcessIdentity, readJson, writeWhole } from '@windrow/stack';
import type { ServiceName } from './definitions.ts';

export type ServiceState = 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped' | 'failed';

/** What is written down of a service: enough to find and end it without the process that started it. */
export interface ServiceRecord {
  name: ServiceName;
  state: ServiceState;
  /** Name → port on loopback: `admin`, and what else it listens on. */
  ports: Record<string, number>;
  /** How often it died and was started again. */
  restarts: number;
  keeper?: ProcessIdentity | undefined;
  process?: ProcessIdentity | undefined;
  /** How it last died, with the end of its log. */
  failure?: string | undefined;
}

export interface ServicesRecord {
  /** The process that supervises them: `supervisor` is the background one, `embedded` lives in some other program. */
  owner: ProcessIdentity & { kind: 'supervisor' | 'embedded' };
  state: 'starting' | 'ready' | 'stopping';
  services: ServiceRecord[];
}

const recordFile = (stateDir: string) => path.join(stateDir, 'services.json');

export function readRecord(stateDir: string): ServicesRecord | undefined {
  return readJson<ServicesRecord>(recordFile(stateDir));
}

export function writeRecord(stateDir: string, record: ServicesRecord): void {
  writeWhole(recordFile(stateDir), `${JSON.stringify(record, null, 2)}\n`);
}

export function recordPath(stateDir: string): string {
  return recordFile(stateDir);
}

/** `http://127.0.0.1:20123` */
export function addressOf({ ports }: Pick<ServiceRecord, 'ports'>, port = 'admin'): string {
  return `http://127.0.0.1:${ports[port]}`;
}
