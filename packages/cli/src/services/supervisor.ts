import { WindrowError } from '@windrow/runtime';
import { type ServiceName, serviceNames } from './definitions.ts';
import { type Services, startServices } from './services.ts';

// The background process of `windrow up`: node supervisor.ts STATE_DIR SERVICE…. It tells its parent how the start goes; when
// the parent is gone before all are ready, nobody wants them any more, and it stops again. Afterwards it runs until it is
// told to stop by SIGTERM or SIGINT.

/** What it sends to the process that started it. */
export type SupervisorMessage =
  | { kind: 'log'; line: string }
  | { kind: 'ready' }
  | { kind: 'failed'; code: string; message: string };

function tell(message: SupervisorMessage): void {
  if (process.connected) process.send?.(message);
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`);
  tell({ kind: 'log', line });
}

async function supervise(stateDir: string, names: ServiceName[]): Promise<void> {
  let services: Services | undefined;
  const stopRequested = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
    process.once('disconnect', () => services ?? resolve());
  });
  const starting = startServices({ stateDir, env: process.env, names, log }, 'supervisor');
  // Asked to stop while they start: this process ends, and the services' keepers end them.
  const interrupted = await Promise.race([starting.then(() => false), stopRequested.then(() => true)]);
  if (interrupted) {
    log('stopped before all were ready');
    process.exit(1);
  }
  services = await starting;
  tell({ kind: 'ready' });
  if (process.connected) process.disconnect();
  // The handle that keeps the process alive until it is asked to stop.
  const alive = setInterval(() => undefined, 60_000);
  await stopRequested;
  log('stopping');
  await services.stop();
  clearInterval(alive);
  log('stopped');
}

if (import.meta.main) {
  const [stateDir = '', ...names] = process.argv.slice(2);
  try {
    await supervise(
      stateDir,
      serviceNames.filter((name) => names.includes(name)),
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(message);
    tell({ kind: 'failed', code: error instanceof WindrowError ? error.code : 'SERVICE_FAILED', message });
    process.exitCode = 1;
    if (process.connected) process.disconnect();
  }
}
