import { setTimeout as sleep } from 'node:timers/promises';
import { streamNamed } from '@windrow/contracts';
import { waitForLanding } from '@windrow/operations';
import { Draw } from './draw.ts';
import { failpointNames } from './failpoint-names.ts';
import { type Accepted, Load } from './load.ts';
import { type Platform, startPlatform } from './platform.ts';
import { type Proof, prove } from './proof.ts';
import { type Recovery, RecoveryWatch } from './recovery.ts';
import { Replays } from './replays.ts';
import { type Fault, nameOf, planFaults, struckBy } from './schedule.ts';
import { strike } from './strike.ts';

export interface ChaosOptions {
  seed: number;
  minutes: number;
  /** Receives one line of progress per call. */
  log(line: string): void;
  /** Ends the run early; the run then throws the signal's reason. */
  signal: AbortSignal;
  /** Keep the logs of a run that passes, too. The logs of a failed run are always kept. */
  keepLogs?: boolean;
  /** Called after the proof, while the platform still runs. */
  afterProof?: (platform: Platform, accepted: Accepted) => Promise<void>;
}

/** A fault and its result. */
export interface DoneFault {
  fault: Fault;
  outcome?: string;
  recovery: Recovery;
}

export interface ChaosResult extends Proof {
  seed: number;
  minutes: number;
  faults: DoneFault[];
  accepted: Accepted;
  /** The replays that completed during the faults. */
  replays: number;
  /** Deaths of services that no fault caused, and services that did not recover by themselves. Any of them fails the run. */
  unrecovered: string[];
}

/** True if nothing was lost or duplicated and everything recovered by itself. */
export function hasPassed({ findings, unrecovered }: ChaosResult): boolean {
  return findings.length === 0 && unrecovered.length === 0;
}

const gapMs = { least: 2_000, most: 6_000 };
const progressEveryMs = 10_000;
/** The time limit for everything to be ready and committed after the last fault. */
const recoverWithinMs = 300_000;

/** Runs load, the faults of the seed's plan, recovery and proof on a platform of its own, which it removes afterwards. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, minutes, log, signal } = options;
  const failpoints = failpointNames();
  const faults = planFaults({ seed, durationMs: minutes * 60_000, failpoints, gapMs });
  log(`seed ${seed}: ${faults.length} faults planned in ${minutes} minutes`);
  const platform = await startPlatform(log);
  let keepLogs = true;
  try {
    await untilReady(platform, signal);
    const result = await strikeAndProve(platform, faults, options);
    keepLogs = (options.keepLogs ?? false) || !hasPassed(result);
    return result;
  } finally {
    await platform.stop(keepLogs && !signal.aborted);
  }
}

async function strikeAndProve(
  platform: Platform,
  faults: Fault[],
  { seed, minutes, log, signal, afterProof }: ChaosOptions,
): Promise<ChaosResult> {
  const { installation, instances } = platform;
  const stopped = new AbortController();
  const load = await Load.start({
    seed,
    run: `chaos-${seed}`,
    producers: platform.producerUrls,
    broker: installation.broker,
    registry: installation.registry,
    track: streamNamed(installation.contracts, 'track'),
    signal: AbortSignal.any([signal, stopped.signal]),
  });
  const watch = new RecoveryWatch(platform);
  const replays = Replays.start({ env: platform.serviceEnv, draw: new Draw(seed), log });
  try {
    const done: DoneFault[] = [];
    const progress = setInterval(() => {
      const { ids, retries } = load.accepted;
      log(
        `${done.length} of ${faults.length} faults, ${ids.size} events accepted, ${retries} batches sent again`,
      );
    }, progressEveryMs);
    try {
      await strikeAll(platform, faults, watch, done, log, signal);
    } finally {
      clearInterval(progress);
    }
    log('all faults are over; waiting until everything has recovered and landed');
    const unrecovered: string[] = [];
    await attempt(unrecovered, () => untilReady(platform, signal));
    await attempt(unrecovered, () => within(recoverWithinMs, load.stop(), 'the load is not acknowledged'));
    await attempt(unrecovered, () => waitForLanding(installation, { timeoutMs: recoverWithinMs, signal }));
    await attempt(unrecovered, () =>
      within(recoverWithinMs, replays.finish(), 'no replay comes to its end').catch((error: Error) => {
        throw new Error(`${error.message}: ${replays.failure}`);
      }),
    );
    await attempt(unrecovered, () =>
      within(60_000, untilWatched(watch, signal), 'recoveries are not all seen'),
    );
    for (const { unasked } of instances.values()) unrecovered.push(...unasked);
    log('proving');
    const proof = await prove(installation, platform.env, load.accepted);
    await afterProof?.(platform, load.accepted);
    return {
      ...proof,
      seed,
      minutes,
      faults: done,
      accepted: load.accepted,
      replays: replays.done,
      unrecovered,
    };
  } finally {
    stopped.abort(new Error('the run is over'));
    await load.stop().catch(() => undefined);
    await replays.stop();
    await watch.stop();
  }
}

/** Starts each fault at its time, or as soon as its target is free again. */
async function strikeAll(
  platform: Platform,
  faults: Fault[],
  watch: RecoveryWatch,
  done: DoneFault[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const begunMs = performance.now();
  const lanes = new Map<string, Promise<void>>();
  // A fault that can't be started or ended stops the run at once.
  const failed = new AbortController();
  const over = AbortSignal.any([signal, failed.signal]);
  const strikeOne = async (fault: Fault): Promise<void> => {
    log(`  ${describe(fault)}`);
    const struck = platform.instances.get(struckBy(fault));
    const outcome = await strike(platform, fault, over);
    done.push({ fault, ...(outcome && { outcome }), recovery: watch.begin(struck) });
  };
  try {
    for (const fault of faults) {
      const waitMs = Math.max(0, begunMs + fault.atMs - performance.now());
      await sleep(waitMs, undefined, { signal: over }).catch(() => over.throwIfAborted());
      const lane = (lanes.get(struckBy(fault)) ?? Promise.resolve()).then(() => strikeOne(fault));
      lane.catch((error) => failed.abort(error));
      lanes.set(struckBy(fault), lane);
    }
    await Promise.all(lanes.values());
  } finally {
    // Also wait when interrupted: nothing may be started after the platform is stopped.
    await Promise.allSettled(lanes.values());
  }
  over.throwIfAborted();
}

export function describe(fault: Fault): string {
  const at = `${(fault.atMs / 1000).toFixed(1)} s: ${fault.kind}`;
  const held = fault.holdMs > 0 ? ` for ${(fault.holdMs / 1000).toFixed(1)} s` : '';
  if ('failpoint' in fault) return `${at}: ${nameOf(fault.instance)} at ${fault.failpoint}`;
  if ('instance' in fault) return `${at}: ${nameOf(fault.instance)}${held}`;
  if ('service' in fault) return `${at}: ${fault.service}${held}`;
  return `${at}${held}`;
}

async function untilReady({ instances }: Platform, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + recoverWithinMs;
  for (;;) {
    signal.throwIfAborted();
    const running = [...instances.values()].filter((instance) => instance.running);
    const health = await Promise.all(
      running.map(async (instance) => ({ instance, ...(await instance.health()) })),
    );
    const waiting = health.filter(({ ready }) => !ready);
    if (waiting.length === 0) return;
    if (performance.now() > deadlineMs) {
      const reasons = waiting.map(({ instance, reasons }) => `${instance.name} (${reasons.join('; ')})`);
      throw new Error(`not ready after ${recoverWithinMs / 1000} s: ${reasons.join(', ')}`);
    }
    await sleep(200);
  }
}

async function untilWatched(watch: RecoveryWatch, signal: AbortSignal): Promise<void> {
  while (watch.open > 0 && !signal.aborted) await sleep(200);
}

async function within(ms: number, work: Promise<void>, otherwise: string): Promise<void> {
  const over = new AbortController();
  try {
    const late = sleep(ms, undefined, { signal: over.signal }).then(() => {
      throw new Error(`after ${ms / 1000} s ${otherwise}`);
    });
    late.catch(() => undefined);
    await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

/** A failure to recover is reported with the other results, because the proof shows its consequences. */
async function attempt(unrecovered: string[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    unrecovered.push(error instanceof Error ? error.message : String(error));
  }
}
