import type { PartName } from './state.ts';
import type { GroupKind, ProcessRecord } from './supervision/record.ts';

export type PartRecord = ProcessRecord<PartName>;

/** The parts of the local stack. */
export const stackGroup: GroupKind = {
  name: 'stack',
  recordFile: 'stack.json',
  supervisorLog: 'supervisor',
  downCommand: 'windrow stack down',
  errorCode: 'STACK_PART_FAILED',
  runningCode: 'STACK_PART_FAILED',
  stopWithinMs: 30_000,
  // The services too: they cannot outlive the stack that they run on.
  ownsMarkedProcesses: true,
};
