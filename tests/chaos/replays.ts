import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from './draw.ts';

const command = path.resolve(import.meta.dirname, '../../packages/cli/bin/windrow.mjs');
const killShare = 0.4;
const restMs = 2_000;

export interface ReplaysOptions {
  /** The instances of the services: faults that strike them strike the replays. */
  env: Record<string, string>;
  draw: Draw;
  log(line: string): void;
}

/**
 * Replays all events of the day again and again during the faults; some replays are killed. The next replay resumes one that
 * did not complete.
 */
export class Replays {
  /** The number of completed replays. */
  done = 0;
  killed = 0;
  /** The error of the last replay, if it failed. */
  failure = '';
  readonly #options: ReplaysOptions;
  readonly #since = new Date().toISOString();
  #child: ChildProcess | undefined;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  static start(options: ReplaysOptions): Replays {
    const replays = new Replays(options);
    replays.#running = replays.#run();
    return replays;
  }

  private constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#once(
        this.#options.draw.chance(killShare) ? this.#options.draw.between(500, 8_000) : undefined,
      );
      await sleep(restMs);
    }
  }

  /** @returns whether the replay completed */
  async #once(killAfterMs?: number): Promise<boolean> {
    const [, open] = /--resume (\d+)/.exec(this.failure) ?? [];
    const range = ['--from', this.#since, '--to', '2100-01-01', '--time', 'ingestion'];
    const args = open === undefined ? ['--stream', 'track', ...range, '--yes'] : ['--resume', open];
    const child = spawn(process.execPath, [command, 'replay', ...args], {
      env: this.#options.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const timer =
      killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve) =>
      child.on('close', (code, signal) => resolve({ code, signal })),
    );
    clearTimeout(timer);
    this.#child = undefined;
    if (code === 0) this.done += 1;
    if (signal === 'SIGKILL') this.killed += 1;
    this.failure = code === 0 ? '' : said;
    return code === 0;
  }

  /** After recovery: completes the open replay, then runs another one. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    for (let wanted = 2; wanted > 0; ) {
      if (await this.#once()) wanted -= 1;
      else await sleep(restMs);
    }
    this.#options.log(`${this.done} replays, ${this.killed} more were killed`);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#child?.kill('SIGKILL');
    await this.#running;
  }
}
