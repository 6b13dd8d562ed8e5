import { existsSync, renameSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WindrowError } from '@windrow/runtime';
import { type Child, logEnd, logFile, type StackPaths, startChild } from '@windrow/stack';
import type { ServiceDefinition } from './definitions.ts';
import { askReady, type Health } from './health.ts';
import { addressOf, type ServiceRecord } from './record.ts';

const askEveryMs = 100;
const readyWithinMs = 60_000;
/** A service stops within 30 s, or ends itself; this is later than that. */
const stopGraceMs = 35_000;
const restartMs = { first: 1_000, most: 30_000 };

export interface ServiceListener {
  log(line: string): void;
  changed(): void;
}

/** One service's process: it is started until ready, started again when it dies, and stopped. */
export class SupervisedService {
  readonly record: ServiceRecord;
  readonly #definition: ServiceDefinition;
  readonly #env: Record<string, string>;
  readonly #paths: StackPaths;
  readonly #listener: ServiceListener;
  #child: Child | undefined;
  #life = new AbortController();

  constructor(
    definition: ServiceDefinition,
    options: {
      paths: StackPaths;
      env: Record<string, string>;
      ports: Record<string, number>;
      listener: ServiceListener;
    },
  ) {
    this.#definition = definition;
    this.#env = options.env;
    this.#paths = options.paths;
    this.#listener = options.listener;
    this.record = { name: definition.name, state: 'stopped', ports: options.ports, restarts: 0 };
    const log = logFile(this.#paths, definition.name);
    if (existsSync(log)) renameSync(log, log.replace(/\.log$/, '.previous.log'));
  }

  /**
   * Fulfilled when it is ready; from then on it is started again when it dies.
   * @throws WindrowError SERVICE_FAILED with the end of its log, at once when it ends before it is ready
   */
  async start(): Promise<void> {
    if (this.#child) throw new WindrowError('USAGE', `${this.record.name} runs already`);
    this.#life = new AbortController();
    this.#change({ state: 'starting', failure: undefined });
    await this.#startOnce(this.#life.signal);
  }

  /** Fulfilled when it has ended. Default: it stops cleanly; SIGKILL is a crash that nobody mends. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#life.abort();
    const child = this.#child;
    if (child) {
      this.#change({ state: 'stopping' });
      await child.stop(signal);
      this.#child = undefined;
    }
    this.#change({ state: 'stopped', keeper: undefined, process: undefined });
  }

  /** As if from outside: SIGKILL is a crash, after which it is started again; SIGSTOP and SIGCONT are a pause. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal);
  }

  async #startOnce(life: AbortSignal): Promise<void> {
    const begunMs = performance.now();
    const child = await startChild({
      command: [process.execPath, this.#definition.main],
      env: this.#env,
      cwd: this.#paths.stateDir,
      logFile: logFile(this.#paths, this.record.name),
      stopSignal: 'SIGTERM',
      stopGraceMs,
      stateDir: this.#paths.stateDir,
    });
    this.#child = child;
    this.#change({ keeper: child.keeper, process: child.process });
    const ended = child.ended.then(({ how }) => how);
    const how = await Promise.race([ended, this.#becomeReady(life)]);
    if (life.aborted)
      throw new WindrowError('STOPPED', `${this.record.name} was stopped before it was ready`);
    if (how !== undefined) {
      this.#child = undefined;
      throw this.#fail(`${this.record.name} ${how} before it was ready`);
    }
    this.#change({ state: 'ready' });
    this.#listener.log(`${this.record.name}: ready after ${seconds(performance.now() - begunMs)}`);
    void ended.then((how) => this.#restart(how, life));
  }

  async #becomeReady(life: AbortSignal): Promise<undefined> {
    const deadlineMs = performance.now() + readyWithinMs;
    let health: Health = { ready: false, reasons: [] };
    while (!life.aborted) {
      health = await askReady(this.record);
      if (health.ready) return;
      if (performance.now() > deadlineMs) {
        const reasons = health.reasons.join('; ');
        const failure = this.#fail(
          `${this.record.name} was not ready after ${seconds(readyWithinMs)}: ${reasons}`,
        );
        await this.#child?.stop('SIGTERM');
        this.#child = undefined;
        throw failure;
      }
      await sleep(askEveryMs);
    }
  }

  async #restart(how: string, life: AbortSignal): Promise<void> {
    for (let attempt = 0; !life.aborted; attempt++) {
      if (attempt === 0) {
        this.#child = undefined;
        this.#listener.log(this.#fail(`${this.record.name} ${how}`).message);
      }
      const delayMs = Math.min(restartMs.most, restartMs.first * 2 ** attempt);
      this.#listener.log(`${this.record.name}: is started again in ${seconds(delayMs)}`);
      await sleep(delayMs, undefined, { signal: life }).catch(() => undefined);
      if (life.aborted) return;
      this.#change({ state: 'restarting', restarts: this.record.restarts + 1 });
      try {
        return await this.#startOnce(life);
      } catch (error) {
        if (!life.aborted) this.#listener.log((error as Error).message);
      }
    }
  }

  #fail(what: string): WindrowError {
    const { name } = this.record;
    const failure = `${what}. The end of ${logFile(this.#paths, name)}:\n${logEnd(this.#paths, name)}`;
    this.#change({ state: 'failed', failure });
    return new WindrowError('SERVICE_FAILED', failure);
  }

  #change(change: Partial<ServiceRecord>): void {
    Object.assign(this.record, change);
    this.#listener.changed();
  }
}

/** What a scrape or a person opens: `127.0.0.1:20123`. */
export function adminAddress(record: ServiceRecord): string {
  return addressOf(record).replace('http://', '');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
