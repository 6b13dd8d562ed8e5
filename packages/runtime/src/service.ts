import type { z } from 'zod';
import { startAdminServer } from './admin-server.ts';
import { loadConfig } from './config.ts';
import type { adminConfig } from './config-fields.ts';
import { WindrowError } from './errors.ts';
import { armFailpoint } from './failpoints.ts';
import { createLogger, type Logger } from './logger.ts';
import { createRegistry, type Registry } from './metrics.ts';
import { Readiness } from './readiness.ts';
import { Teardown } from './teardown.ts';

type ServiceSchema = z.ZodObject & { shape: (typeof adminConfig)['shape'] };

export interface ServiceContext<S extends ServiceSchema> {
  config: z.output<S>;
  log: Logger;
  registry: Registry;
  readiness: Readiness;
  /** `start` adds the release of each resource here as soon as it has opened the resource. */
  teardown: Teardown;
  /** Aborted when the process is asked to stop, also while `start` is still running. */
  signal: AbortSignal;
  /** Reports a fatal error of a background task. The process exits at once and flushes and commits nothing. */
  fail(error: unknown): void;
}

export interface ServiceOptions<S extends ServiceSchema> {
  /** The value of `service` in logs and metrics. */
  name: string;
  /** Includes the fields of `adminConfig`. */
  config: S;
  /** Starts the service. Fulfilled when it is ready; it then runs until a signal arrives. */
  start(context: ServiceContext<S>): Promise<void>;
  /** The time limit for a stop. */
  stopWithinMs?: number;
}

/**
 * Runs a service in this process. Exit codes: 0 stopped by SIGTERM or SIGINT; 1 failed, or a release failed or hung;
 * 2 invalid configuration. A second signal ends the process at once.
 */
export async function runService<S extends ServiceSchema>(options: ServiceOptions<S>): Promise<void> {
  const config = configOrExit(options);
  // TypeScript doesn't resolve the output type of a generic schema; the type of its shape guarantees these fields.
  const admin = config as z.output<typeof adminConfig>;
  const log = createLogger(options.name, admin.LOG_LEVEL);
  const registry = createRegistry(options.name);
  const readiness = new Readiness();
  const teardown = new Teardown();
  const stopping = new AbortController();
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'failed; exiting without any further commit');
    process.exit(1);
  };
  // Otherwise Node prints its warnings as plain text between the JSON lines of the log.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ err: warning }, 'warning from Node.js'));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  const started = Promise.resolve().then(async () => {
    readiness.unmet('started', 'the service is starting');
    const server = await startAdminServer({
      host: admin.ADMIN_HOST,
      port: admin.ADMIN_PORT,
      registry,
      readiness,
    });
    teardown.add('admin server', () => server.close());
    log.info({ address: server.address }, 'listening');
    await options.start({ config, log, registry, readiness, teardown, signal: stopping.signal, fail });
    if (stopping.signal.aborted) return;
    readiness.met('started');
    log.info('ready');
  });

  const stop = async (failure?: unknown) => {
    readiness.unmet('started', 'the service is stopping');
    const deadline = setTimeout(() => {
      log.fatal({ hung: teardown.current ?? 'start' }, 'stopping took too long');
      process.exit(1);
    }, options.stopWithinMs ?? 30_000);
    await started.catch(() => undefined);
    let exitCode = failure === undefined ? 0 : 1;
    try {
      await teardown.run();
    } catch (error) {
      log.error({ err: error }, 'a release failed while stopping');
      exitCode = 1;
    }
    clearTimeout(deadline);
    log.info({ exitCode }, 'stopped');
    process.exit(exitCode);
  };

  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) {
      log.warn({ signal }, 'second signal; exiting at once');
      process.exit(1);
    }
    log.info({ signal }, 'stopping');
    stopping.abort(new WindrowError('STOPPED', `Stopped by ${signal}.`));
    void stop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);

  try {
    await started;
  } catch (error) {
    if (stopping.signal.aborted) return;
    log.fatal({ err: error }, 'could not start');
    stopping.abort(error);
    await stop(error);
  }
}

function configOrExit<S extends ServiceSchema>(options: ServiceOptions<S>): z.output<S> {
  try {
    armFailpoint();
    return loadConfig(options.config);
  } catch (error) {
    if (!(error instanceof WindrowError)) throw error;
    process.stderr.write(`windrow ${options.name}: ${error.message}\n`);
    process.exit(2);
  }
}
