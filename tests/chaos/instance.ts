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

/** A service stops within 30 s, or ends itself; this is later than that. */
const stopGraceMs = 35_000;
/** As any supervisor does, it waits a little before it starts again what has died. */
const restartDelayMs = 500;

/** One process of a service, started again whenever it dies. */
export class Instance {
  readonly name: string;
  readonly ports: Record<string, number>;
  /** Deaths that nobody had asked for, in words. */
  readonly unasked: string[] = [];
  /** A fault holds it away at present: it need not be ready. */
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

  /** Fulfilled when its process is there; with a failpoint also its first death is one that was asked for. */
  async start(failpoint?: string): Promise<void> {
    this.#life = new AbortController();
    this.#killed = failpoint !== undefined;
    await this.#spawn(failpoint === undefined ? {} : { WINDROW_FAILPOINT: failpoint });
    this.#supervision = this.#supervise(this.#life.signal);
  }

  /** SIGKILL from outside; it is started again. */
  kill(): void {
    this.#killed = true;
    this.#child?.signal('SIGKILL');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal);
  }

  /** Whether the process that runs now ends within the time. */
  async diesWithin(ms: number, signal: AbortSignal): Promise<boolean> {
    const ended = this.#child?.ended.then(() => true) ?? Promise.resolve(true);
    return Promise.race([ended, sleep(ms, false, { signal }).catch(() => false)]);
  }

  /** A clean stop; fulfilled when it has ended. */
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
