import { setTimeout as sleep } from 'node:timers/promises';
import {
  askReady,
  type Child,
  type Health,
  logFile,
  type ServiceDefinition,
  type StackPaths,
  startChild,
} from '@windrow/stack';

/** More than the 30 s after which a service that can't stop ends itself. */
const stopGraceMs = 35_000;
/** The delay before a process that has died is restarted, as in other supervisors. */
const restartDelayMs = 500;

/** A process of a service that is restarted whenever it dies. */
export class Instance {
  readonly name: string;
  readonly ports: Record<string, number>;
  /** Deaths that no fault caused, with their reasons. */
  readonly unasked: string[] = [];
  /** True while a fault keeps the process away, so it need not be ready. */
  struck = false;
  readonly #definition: ServiceDefinition;
  readonly #env: Record<string, string>;
  readonly #paths: StackPaths;
  #child: Child | undefined;
  #life = new AbortController();
  #killed = false;
  #supervision: Promise<void> = Promise.resolve();

  constructor(
    name: string,
    definition: ServiceDefinition,
    options: { paths: StackPaths; env: Record<string, string>; ports: Record<string, number> },
  ) {
    this.name = name;
    this.#definition = definition;
    this.#paths = options.paths;
    this.ports = options.ports;
    const own = definition.ports.map((port) => [port.variable, String(options.ports[port.name])]);
    this.#env = {
      ...definition.env,
      ...options.env,
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(options.ports.admin),
      ...Object.fromEntries(own),
    };
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  health(): Promise<Health> {
    return askReady(this);
  }

  /** Fulfilled when the process runs. With a failpoint, its first death is expected. */
  async start(failpoint?: string): Promise<void> {
    this.#life = new AbortController();
    this.#killed = failpoint !== undefined;
    await this.#spawn(failpoint === undefined ? {} : { WINDROW_FAILPOINT: failpoint });
    this.#supervision = this.#supervise(this.#life.signal);
  }

  /** Kills the process with SIGKILL. It is restarted. */
  kill(): void {
    this.#killed = true;
    this.#child?.signal('SIGKILL');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal);
  }

  /** Whether the current process ends within the time. */
  async diesWithin(ms: number, signal: AbortSignal): Promise<boolean> {
    const ended = this.#child?.ended.then(() => true) ?? Promise.resolve(true);
    return Promise.race([ended, sleep(ms, false, { signal }).catch(() => false)]);
  }

  /** Stops the process with SIGTERM. Fulfilled when it has ended. */
  async stop(): Promise<void> {
    this.#life.abort();
    await this.#child?.stop('SIGTERM');
    await this.#supervision;
    this.#child = undefined;
  }

  async #spawn(extra: Record<string, string>): Promise<void> {
    this.#child = await startChild({
      command: [process.execPath, this.#definition.main],
      env: { ...this.#env, ...extra },
      cwd: this.#paths.stateDir,
      logFile: logFile(this.#paths, this.name),
      stopSignal: 'SIGTERM',
      stopGraceMs,
      stateDir: this.#paths.stateDir,
    });
  }

  async #supervise(life: AbortSignal): Promise<void> {
    while (!life.aborted && this.#child) {
      const { how } = await this.#child.ended;
      if (life.aborted) return;
      if (!(this.#killed && how.endsWith('SIGKILL'))) {
        this.unasked.push(`${new Date().toISOString()} ${this.name} ${how}`);
      }
      this.#killed = false;
      await sleep(restartDelayMs, undefined, { signal: life }).catch(() => undefined);
      if (!life.aborted) await this.#spawn({});
    }
  }
}
