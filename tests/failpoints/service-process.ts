import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';
import { recordReached } from './every-failpoint.ts';

export type ServiceName = 'enricher' | 'lake-sink' | 'postgres-sink';

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The real process of a service. It ends with the test, at the latest. */
export class ServiceProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #output = '';

  /** `env` has what the service needs; `failpoint` is a value of WINDROW_FAILPOINT. */
  constructor(service: ServiceName, env: Record<string, string | undefined>, failpoint?: string) {
    const main = fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url));
    this.#child = spawn(process.execPath, [main], {
      env: {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME, ADMIN_PORT: '0' },
        ...env,
        ...(failpoint !== undefined && { WINDROW_FAILPOINT: failpoint }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = `${this.#output}${text}`.slice(-20_000);
      });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => resolve({ code, signal }));
    });
    onTestFinished(async () => {
      this.#child.kill('SIGKILL');
      await this.ended;
    });
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits until the process has ended. Returns the signal that ended it, and the failpoint that sent this signal. */
  async diedAt(): Promise<{ signal: NodeJS.Signals | null; failpoint: string | undefined }> {
    const { signal } = await this.ended;
    return { signal, failpoint: recordReached(this.#output, signal) };
  }

  /** Waits until the process has stopped itself (SIGSTOP) at a failpoint. Returns the name of the failpoint. */
  stoppedAt(): Promise<string> {
    return vi.waitFor(
      () => {
        const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(this.#child.pid)], {
          encoding: 'utf8',
        });
        const failpoint = stdout.startsWith('T') ? recordReached(this.#output, 'SIGSTOP') : undefined;
        if (failpoint === undefined)
          throw new Error(`it has not stopped (${stdout.trim()}):\n${this.#output}`);
        return failpoint;
      },
      { timeout: 30_000, interval: 50 },
    );
  }

  wake(): void {
    this.#child.kill('SIGCONT');
  }

  /** Asks it to stop, as an operator would. Its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return (await this.ended).code;
  }
}
