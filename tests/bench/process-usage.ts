import { readFileSync } from 'node:fs';
import { must } from '@windrow/runtime/testing';

const clockTicksPerSecond = 100;

export interface ProcessUsage {
  /** User and system time since the process started. */
  cpuSeconds: number;
  /** The peak of resident memory, as the kernel measures it. */
  peakRssMiB: number;
}

/** The usage of any process from Linux' /proc; undefined if it has ended. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    // The name in parentheses may contain spaces; utime and stime are fields 14 and 15 of proc(5).
    const fields = must(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)).split(' ');
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    // A zombie process has no memory.
    if (peak === undefined) return undefined;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond,
      peakRssMiB: Number(peak) / 1024,
    };
  } catch {
    return undefined;
  }
}
