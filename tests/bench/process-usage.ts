import { readFileSync } from 'node:fs';
import { must } from '@windrow/runtime/testing';

const clockTicksPerSecond = 100;

export interface ProcessUsage {
  /** User and system time since it began. */
  cpuSeconds: number;
  /** The most memory that was resident at once, by the kernel's count. */
  peakRssMiB: number;
}

/** Of any process, by Linux' /proc; undefined where it has ended. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    // The name in brackets may hold blanks; utime and stime are the 14th and the 15th field of proc(5).
    const fields = must(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)).split(' ');
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    // One that has ended, and that nobody has asked for yet, has no memory.
    if (peak === undefined) return undefined;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond,
      peakRssMiB: Number(peak) / 1024,
    };
  } catch {
    return undefined;
  }
}
