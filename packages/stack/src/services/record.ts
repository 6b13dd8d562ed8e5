import type { GroupKind, ProcessRecord } from '../supervision/record.ts';
import type { ServiceName } from './service-list.ts';

export type ServiceRecord = ProcessRecord<ServiceName>;

export const servicesGroup: GroupKind = {
  name: 'services',
  recordFile: 'services.json',
  supervisorLog: 'services',
  downCommand: 'windrow down',
  errorCode: 'SERVICE_FAILED',
  runningCode: 'USAGE',
  stopWithinMs: 45_000,
  // In the same state directory the stack's parts have the same mark.
  ownsMarkedProcesses: false,
};

/** `http://127.0.0.1:20123` */
export function addressOf({ ports }: Pick<ServiceRecord, 'ports'>, port = 'admin'): string {
  return `http://127.0.0.1:${ports[port]}`;
}
