import { writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { WindrowError } from './errors.ts';

/**
 * Every step at which a process can be made to end or stop, named `<service's area>.<commit>.<step>`. The list is closed: the
 * chaos runner draws from it, and tests/failpoints has a test for each, which kills a process there. Keep it sorted.
 */
export const failpoints = [
  'enricher.takeover.afterFence',
  'enricher.takeover.afterOffsets',
  'enricher.transaction.afterEnd',
  'enricher.transaction.afterOutputs',
  'enricher.transaction.beforeBegin',
  'enricher.transaction.beforeEnd',
  'lake.checkpoint.beforePointer',
  'lake.checkpoint.beforePut',
  'lake.claim.afterPut',
  'lake.claim.beforePut',
  'lake.commit.afterPut',
  'lake.commit.beforeIntentDelete',
  'lake.commit.beforePut',
  'lake.compaction.afterPut',
  'lake.compaction.beforePut',
  'lake.deadLetters.afterSend',
  'lake.deadLetters.beforeSend',
  'lake.expiry.beforeDelete',
  'lake.intent.afterPut',
  'lake.intent.beforePut',
  'lake.replay.afterPut',
  'lake.replay.beforePut',
  'lake.restore.afterPut',
  'lake.restore.beforePut',
  'lake.schema.afterPut',
  'lake.schema.beforePut',
  'lake.sweep.beforeDelete',
  'lake.upload.afterPut',
  'postgres.deadLetters.afterSend',
  'postgres.deadLetters.beforeSend',
  'postgres.transaction.afterBegin',
  'postgres.transaction.afterCommit',
  'postgres.transaction.afterCopy',
  'postgres.transaction.afterInsert',
  'postgres.transaction.beforeCommit',
  'replay.deadLetters.afterSend',
  'replay.deadLetters.beforeSend',
  'replay.rollback.afterCommit',
  'replay.rollback.beforeCommit',
  'replay.staged.afterRecord',
  'replay.staged.beforeRecord',
  'replay.swap.afterCommit',
  'replay.swap.beforeCommit',
] as const;

export type Failpoint = (typeof failpoints)[number];

const signals = { kill: 'SIGKILL', stop: 'SIGSTOP' } as const;

interface Armed {
  name: Failpoint;
  signal: (typeof signals)[keyof typeof signals];
  /** How often the process still has to reach the step before the failpoint fires, this time included. */
  arrivals: number;
}

/**
 * Parses WINDROW_FAILPOINT. `lake.commit.beforePut` kills the process when it first reaches that step (SIGKILL: nothing is
 * flushed or released), `lake.commit.beforePut#3` when it reaches the step for the third time. `stop:lake.commit.beforePut`
 * stops it there (SIGSTOP) until SIGCONT. @returns undefined if it is not set
 * @throws WindrowError CONFIG_INVALID
 */
export function readFailpoint(value: string | undefined): Armed | undefined {
  if (!value) return undefined;
  const [, action = 'kill', wanted, nth = '1'] =
    /^(?:(kill|stop):)?([\w.]+)(?:#([1-9]\d*))?$/.exec(value) ?? [];
  const name = failpoints.find((known) => known === wanted);
  if (name === undefined) {
    const message = `WINDROW_FAILPOINT: ${JSON.stringify(value)} is not a failpoint; unset it or use one of these names, with the prefix "stop:" to stop the process there or the suffix "#3" for the third time:`;
    throw new WindrowError(
      'CONFIG_INVALID',
      `${message}\n${failpoints.map((each) => `  ${each}`).join('\n')}`,
    );
  }
  return { name, signal: signals[action as keyof typeof signals], arrivals: Number(nth) };
}

let armed: Armed | undefined;
const passed = Promise.resolve();

/** Arms the failpoint that WINDROW_FAILPOINT names. Before this call, or if it is not set, `failpoint` does nothing. */
export function armFailpoint(value = process.env.WINDROW_FAILPOINT): void {
  armed = readFailpoint(value);
}

/** Marks a step of a commit at which tests can kill or stop this process. */
export function failpoint(name: Failpoint): Promise<void> {
  return armed === undefined || armed.name !== name ? passed : arrive(armed);
}

async function arrive(at: Armed): Promise<void> {
  at.arrivals -= 1;
  if (at.arrivals !== 0) return;
  writeSync(process.stderr.fd, `failpoint ${at.name}: ${at.signal}\n`);
  process.kill(process.pid, at.signal);
  // A stopped process continues here after SIGCONT.
  await turn();
}
