import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, WindrowError } from '@windrow/runtime';
import { logEnd, logFile, rotateLog, type StackPaths } from '../state.ts';
import { type Child, startChild } from './child.ts';
import type { ProcessRecord } from './record.ts';

const checkEveryMs = 100;

/** How a process is run. The commands in `before` run first, one after the other, and must succeed, such as initdb. */
export interface Launch {
  before: string[][];
  command: string[];
  env: Record<string, string>;
  cwd: string;
}

/** What the supervisor needs to know of a process. */
export interface ProcessDefinition<Name extends string> {
  name: Name;
  ports: Record<string, number>;
  launch(): Promise<Launch>;
  /** One readiness check. It throws, with the reason, while the process is not ready. */
  check(): Promise<void>;
  readyWithinMs: number;
  stopSignal: NodeJS.Signals;
  /** How long it may take to stop before it is killed. */
  stopGraceMs: number;
  /** The delay before a restart doubles with each attempt. Without it, a process that dies is not restarted. */
  restartDelayMs?: { first: number; most: number };
}

export interface ProcessListener {
  log(line: string): void;
  /** The record has changed. */
  changed(): void;
  /** It ended although nobody stopped it. */
  died(error: WindrowError): void;
}

type CheckResult = { is: 'ready' } | { is: 'not ready'; reason: unknown } | { is: 'ended'; how: string };

/** Starts a process, waits until it is ready, restarts it if it should, and stops it. Owns its record. */
export class SupervisedProcess<Name extends string = string> {
  readonly record: ProcessRecord<Name>;
  readonly #definition: ProcessDefinition<Name>;
  readonly #paths: StackPaths;
  readonly #errorCode: ErrorCode;
  readonly #listener: ProcessListener;
  #child: Child | undefined;
  /** Aborted by stop(). Each start() begins a new one. */
  #life = new AbortController();
  #starting: Promise<void> = Promise.resolve();

  constructor(
    definition: ProcessDefinition<Name>,
    { paths, errorCode, listener }: { paths: StackPaths; errorCode: ErrorCode; listener: ProcessListener },
  ) {
    this.#definition = definition;
    this.#paths = paths;
    this.#errorCode = errorCode;
    this.#listener = listener;
    this.record = { name: definition.name, state: 'stopped', ports: definition.ports, restarts: 0 };
    rotateLog(paths, definition.name);
  }

  /**
   * Fulfilled when it is ready.
   * @throws WindrowError with the end of its log, as soon as it ends before it is ready; STOPPED if stop() came first
   */
  async start(): Promise<void> {
    if (this.#child) throw new WindrowError('USAGE', `${this.record.name} is running already`);
    this.#life.abort();
    this.#life = new AbortController();
    this.#change({ state: 'starting', failure: undefined });
    this.#starting = this.#startOnce(this.#life.signal);
    await this.#starting;
  }

  /** Fulfilled when it has ended. It stays stopped. SIGKILL simulates a crash. */
  async stop(signal = this.#definition.stopSignal): Promise<void> {
    this.#life.abort();
    if (this.#child) {
      this.#change({ state: 'stopping' });
      await this.#child.stop(signal);
    }
    // A start that was about to spawn the process notices the abort, and stops what it has spawned.
    await this.#starting.catch(() => undefined);
    this.#child = undefined;
    this.#change({ state: 'stopped', keeper: undefined, process: undefined });
  }

  /** Sends a signal as if from outside: SIGKILL is a crash, SIGSTOP and SIGCONT are a pause. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal);
  }

  async #startOnce(life: AbortSignal): Promise<void> {
    const { name } = this.record;
    const begunMs = performance.now();
    const launch = await this.#definition.launch();
    for (const command of launch.before) {
      const child = await this.#spawn({ ...launch, command }, life);
      const { ok, how } = await child.ended;
      this.#child = undefined;
      if (!ok && !life.aborted) throw this.#fail(`${name} could not be prepared: ${command[0]} ${how}`);
    }
    const child = await this.#spawn(launch, life);
    await this.#becomeReady(child, life);
    this.#change({ state: 'ready' });
    this.#listener.log(`${name}: ready after ${seconds(performance.now() - begunMs)}`);
    void child.ended.then(({ how }) => this.#ended(how, life));
  }

  async #spawn({ command, env, cwd }: Omit<Launch, 'before'>, life: AbortSignal): Promise<Child> {
    if (life.aborted) throw this.#stopped();
    const { stopSignal, stopGraceMs } = this.#definition;
    const child = await startChild({
      command,
      env,
      cwd,
      logFile: logFile(this.#paths, this.record.name),
      stopSignal,
      stopGraceMs,
      stateDir: this.#paths.stateDir,
    });
    if (life.aborted) {
      await child.stop(stopSignal);
      throw this.#stopped();
    }
    this.#child = child;
    this.#change({ keeper: child.keeper, process: child.process });
    return child;
  }

  async #becomeReady(child: Child, life: AbortSignal): Promise<void> {
    const { name, readyWithinMs, stopSignal } = this.#definition;
    const ended = child.ended.then(({ how }): CheckResult => ({ is: 'ended', how }));
    const deadlineMs = performance.now() + readyWithinMs;
    for (;;) {
      const result = await Promise.race([ended, this.#check()]);
      if (life.aborted) throw this.#stopped();
      if (result.is === 'ready') return;
      if (result.is === 'ended') {
        this.#child = undefined;
        throw this.#fail(`${name} ${result.how} before it was ready`);
      }
      if (performance.now() > deadlineMs) {
        const reason = result.reason instanceof Error ? result.reason.message : String(result.reason);
        const error = this.#fail(
          `${name} was not ready after ${seconds(readyWithinMs)}: ${reason}`,
          result.reason,
        );
        await child.stop(stopSignal);
        this.#child = undefined;
        throw error;
      }
      await Promise.race([ended, delay(checkEveryMs)]);
    }
  }

  async #check(): Promise<CheckResult> {
    try {
      await this.#definition.check();
      return { is: 'ready' };
    } catch (reason) {
      return { is: 'not ready', reason };
    }
  }

  async #ended(how: string, life: AbortSignal): Promise<void> {
    if (life.aborted) return;
    this.#child = undefined;
    this.#listener.died(this.#fail(`${this.record.name} ${how}`));
    const { restartDelayMs } = this.#definition;
    if (restartDelayMs) await this.#restart(restartDelayMs, life);
  }

  async #restart({ first, most }: { first: number; most: number }, life: AbortSignal): Promise<void> {
    for (let attempt = 0; !life.aborted; attempt++) {
      const delayMs = Math.min(most, first * 2 ** attempt);
      this.#listener.log(`${this.record.name}: restarting in ${seconds(delayMs)}`);
      await delay(delayMs, undefined, { signal: life }).catch(() => undefined);
      if (life.aborted) return;
      this.#change({ state: 'restarting', restarts: this.record.restarts + 1 });
      this.#starting = this.#startOnce(life);
      try {
        return await this.#starting;
      } catch (error) {
        if (!life.aborted) this.#listener.log(error instanceof Error ? error.message : String(error));
      }
    }
  }

  #fail(what: string, cause?: unknown): WindrowError {
    const { name } = this.record;
    const failure = `${what}. The end of ${logFile(this.#paths, name)}:\n${logEnd(this.#paths, name)}`;
    this.#change({ state: 'failed', failure });
    return new WindrowError(this.#errorCode, failure, { cause });
  }

  #stopped(): WindrowError {
    return new WindrowError('STOPPED', `${this.record.name} was stopped before it was ready`);
  }

  #change(change: Partial<ProcessRecord<Name>>): void {
    Object.assign(this.record, change);
    this.#listener.changed();
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
