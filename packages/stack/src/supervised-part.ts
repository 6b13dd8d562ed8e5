import { setTimeout as delay } from 'node:timers/promises';
import { WindrowError } from '@windrow/runtime';
import { type Child, startChild } from './child.ts';
import type { Part, PartContext } from './parts/part.ts';
import { logEnd, logFile, type PartRecord, type StackEndpoints } from './state.ts';

const readyWithinMs = 120_000;
const askAgainMs = 100;

interface Listener {
  log(line: string): void;
  /** The record has changed. */
  changed(): void;
  /** It ended, and nobody had asked it to. */
  died(error: WindrowError): void;
}

/** One part and its process. Owns the record of both; a start and a stop must not overlap, except a stop during a start. */
export class SupervisedPart {
  readonly record: PartRecord;
  readonly #part: Part;
  readonly #context: PartContext;
  readonly #listener: Listener;
  #child: Child | undefined;
  #stopRequested = false;

  constructor(part: Part, context: PartContext, listener: Listener) {
    this.#part = part;
    this.#context = context;
    this.#listener = listener;
    this.record = { name: part.name, state: 'stopped', ports: context.ports };
  }

  endpoints(): StackEndpoints {
    return this.#part.endpoints(this.#context);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal);
  }

  /** Fulfilled when it is ready; fails with STACK_PART_FAILED, at once when it ends before. */
  async start(): Promise<void> {
    if (this.#child) throw new WindrowError('USAGE', `${this.record.name} is running`);
    this.#stopRequested = false;
    const begunMs = performance.now();
    this.#change({ state: 'starting', failure: undefined });
    const launch = await this.#part.launch(this.#context);
    for (const command of launch.before) {
      const child = await this.#spawn({ ...launch, command });
      const { ok, how } = await child.ended;
      if (this.#stopRequested) throw this.#interrupted();
      if (!ok) throw this.#fail(`${this.record.name} could not be prepared: ${command[0]} ${how}`);
    }
    const child = await this.#spawn(launch);
    void child.ended.then(({ how }) => this.#ended(child, how));
    await this.#becomeReady(child);
    this.#change({ state: 'ready' });
    const seconds = ((performance.now() - begunMs) / 1000).toFixed(1);
    this.#listener.log(`${this.record.name}: ready after ${seconds} s`);
  }

  /** Fulfilled when it has ended; at once when it isn't running. */
  async stop(signal?: NodeJS.Signals): Promise<void> {
    this.#stopRequested = true;
    const child = this.#child;
    if (!child) return;
    this.#change({ state: 'stopping' });
    await child.stop(signal ?? this.#part.stopSignal);
    this.#child = undefined;
    this.#change({ state: 'stopped', keeper: undefined, process: undefined });
  }

  async #spawn({
    command,
    env,
    cwd,
  }: {
    command: string[];
    env: Record<string, string>;
    cwd: string;
  }): Promise<Child> {
    if (this.#stopRequested) throw this.#interrupted();
    const { paths } = this.#context;
    const child = await startChild({
      command,
      env,
      cwd,
      logFile: logFile(paths, this.record.name),
      stopSignal: this.#part.stopSignal,
      stateDir: paths.stateDir,
    });
    this.#child = child;
    this.#change({ keeper: child.keeper, process: child.process });
    return child;
  }

  async #becomeReady(child: Child): Promise<void> {
    const ending = child.ended.then(({ how }) => {
      throw this.#stopRequested
        ? this.#interrupted()
        : this.#fail(`${this.record.name} ${how} before it was ready`);
    });
    ending.catch(() => undefined); // after it is ready, #ended speaks
    const deadlineMs = performance.now() + readyWithinMs;
    for (;;) {
      try {
        await Promise.race([this.#part.check(this.#context), ending]);
        return;
      } catch (error) {
        await Promise.race([delay(askAgainMs), ending]);
        if (performance.now() > deadlineMs) {
          const reason = error instanceof Error ? error.message : String(error);
          throw this.#fail(
            `${this.record.name} was not ready after ${readyWithinMs / 1000} s: ${reason}`,
            error,
          );
        }
      }
    }
  }

  #ended(child: Child, how: string): void {
    if (this.#stopRequested || this.#child !== child) return;
    this.#child = undefined;
    if (this.record.state !== 'ready') return; // start() tells
    this.#listener.died(this.#fail(`${this.record.name} ${how}`));
  }

  #fail(what: string, cause?: unknown): WindrowError {
    const { paths } = this.#context;
    const file = logFile(paths, this.record.name);
    const failure = `${what}. The end of ${file}:\n${logEnd(paths, this.record.name)}`;
    this.#change({ state: 'failed', failure });
    return new WindrowError('STACK_PART_FAILED', failure, { cause });
  }

  #interrupted(): WindrowError {
    return new WindrowError('STACK_PART_FAILED', `${this.record.name} was stopped before it was ready`);
  }

  #change(change: { [K in keyof PartRecord]?: PartRecord[K] | undefined }): void {
    Object.assign(this.record, change);
    this.#listener.changed();
  }
}
