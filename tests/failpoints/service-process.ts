import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';

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

  /** How it ended, and the failpoint that it says has ended it. It gets no signal from here. */
  async diedAt(): Promise<{ signal: NodeJS.Signals | null; failpoint: string | undefined }> {
    const { signal } = await this.ended;
    return { signal, failpoint: this.#failpoint() };
  }

  /** Until it has stopped (SIGSTOP) at a failpoint, whose name this gives. */
  stoppedAt(): Promise<string> {
    return vi.waitFor(
      () => {
        const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(this.#child.pid)], {
          encoding: 'utf8',
        });
        const failpoint = this.#failpoint();
        if (!stdout.startsWith('T') || failpoint === undefined)
          throw new Error(`it has not stopped (${stdout.trim()}):\n${this.#output}`);
        return failpoint;
      },
      { timeout: 30_000, interval: 50 },
    );
  }

  #failpoint(): string | undefined {
    return /^failpoint (\S+): SIG(?:KILL|STOP)$/m.exec(this.#output)?.[1];
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
