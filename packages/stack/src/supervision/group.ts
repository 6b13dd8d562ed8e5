import { mkdirSync, rmSync } from 'node:fs';
import { WindrowError } from '@windrow/runtime';
import type { StackPaths } from '../state.ts';
import { claimGroup } from './claim.ts';
import {
  type GroupKind,
  type GroupRecord,
  type OwnerKind,
  type ProcessRecord,
  recordPath,
  writeRecord,
} from './record.ts';
import { type ProcessDefinition, SupervisedProcess } from './supervised-process.ts';

/** Processes that are supervised together by this process, with one record on disk. They end with this process. */
export class SupervisedGroup<Name extends string> {
  readonly #kind: GroupKind;
  readonly #paths: StackPaths;
  readonly #log: (line: string) => void;
  readonly #record: GroupRecord<Name>;
  #processes: SupervisedProcess<Name>[] = [];
  #stopping: Promise<void> | undefined;

  private constructor(
    kind: GroupKind,
    options: { paths: StackPaths; record: GroupRecord<Name>; log: (line: string) => void },
  ) {
    this.#kind = kind;
    this.#paths = options.paths;
    this.#record = options.record;
    this.#log = options.log;
  }

  /**
   * The group is this process's until stop().
   * @throws WindrowError with the kind's `runningCode` if another process runs it
   */
  static async claim<Name extends string>(
    kind: GroupKind,
    paths: StackPaths,
    options: { owner: OwnerKind; log: (line: string) => void },
  ): Promise<SupervisedGroup<Name>> {
    const record = await claimGroup<Name>(kind, paths, options);
    return new SupervisedGroup(kind, { paths, record, log: options.log });
  }

  /** The processes as they are now. */
  get records(): ProcessRecord<Name>[] {
    return this.#record.processes;
  }

  /**
   * Starts all at the same time; fulfilled when all are ready. Rejects with the first failure; the caller then stops the
   * group.
   */
  async start(
    definitions: readonly ProcessDefinition<Name>[],
    onDied?: (error: WindrowError) => void,
  ): Promise<void> {
    mkdirSync(this.#paths.logs, { recursive: true });
    const listener = {
      log: this.#log,
      changed: () => this.#save(),
      died: (error: WindrowError) => {
        this.#log(error.message);
        onDied?.(error);
      },
    };
    const { errorCode } = this.#kind;
    this.#processes = definitions.map(
      (definition) => new SupervisedProcess(definition, { paths: this.#paths, errorCode, listener }),
    );
    this.#record.processes = this.#processes.map(({ record }) => record);
    const starts = this.#processes.map((process) => process.start());
    // Promise.all reports only the first failure; the others must not become unhandled rejections.
    for (const start of starts) start.catch(() => undefined);
    await Promise.all(starts);
  }

  /** To be called when everything that others need to use the group has been written. */
  markReady(): void {
    this.#record.state = 'ready';
    this.#save();
  }

  /** @throws WindrowError USAGE if the group was started without it */
  process(name: Name): SupervisedProcess<Name> {
    const found = this.#processes.find(({ record }) => record.name === name);
    if (!found)
      throw new WindrowError(
        'USAGE',
        `the ${this.#kind.name} of ${this.#paths.stateDir} runs without ${name}`,
      );
    return found;
  }

  /** Stops all. `cleanUp` runs when they have ended, before the state directory is given up. */
  stop(cleanUp: () => void = () => undefined): Promise<void> {
    this.#stopping ??= this.#stop(cleanUp);
    return this.#stopping;
  }

  async #stop(cleanUp: () => void): Promise<void> {
    this.#record.state = 'stopping';
    this.#save();
    const stopped = await Promise.allSettled(this.#processes.map((process) => process.stop()));
    cleanUp();
    rmSync(recordPath(this.#kind, this.#paths), { force: true });
    for (const result of stopped) if (result.status === 'rejected') throw result.reason;
  }

  #save(): void {
    writeRecord(this.#kind, this.#paths, this.#record);
  }
}
