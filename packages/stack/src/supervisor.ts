import { WindrowError } from '@windrow/runtime';
import { partNames } from './state.ts';
import type { SupervisorMessage } from './supervision/background.ts';

// The background process of `windrow stack up` and `windrow up`: node supervisor.ts stack|services STATE_DIR [NAME…]. It
// reports the progress of the start to its parent. If the parent ends before all are ready, the start is abandoned. Then
// it runs until SIGTERM or SIGINT.

interface Supervised {
  stop(): Promise<void>;
}
interface StartOptions {
  stateDir: string;
  names: string[];
  log(line: string): void;
}

// Each loads only what it starts.
const starts: Record<string, (options: StartOptions) => Promise<Supervised>> = {
  async stack({ stateDir, names, log }) {
    const { startStack } = await import('./stack.ts');
    const parts = partNames.filter((name) => names.includes(name));
    return startStack({ stateDir, log, ...(names.length > 0 && { parts }) }, 'supervisor');
  },
  async services({ stateDir, names, log }) {
    const { startServices } = await import('./services/services.ts');
    const { serviceNames } = await import('./services/service-list.ts');
    const wanted = serviceNames.filter((name) => names.includes(name));
    return startServices(
      { stateDir, env: process.env, log, ...(names.length > 0 && { names: wanted }) },
      'supervisor',
    );
  },
};

function tell(message: SupervisorMessage): void {
  if (process.connected) process.send?.(message);
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`);
  tell({ kind: 'log', line });
}

async function supervise(starting: Promise<Supervised>): Promise<void> {
  let group: Supervised | undefined;
  const stopRequested = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
    process.once('disconnect', () => group ?? resolve());
  });
  // If a stop is requested during the start, this process ends, and the keepers stop what has been started.
  const interrupted = await Promise.race([starting.then(() => false), stopRequested.then(() => true)]);
  if (interrupted) {
    log('stopped before all were ready');
    process.exit(1);
  }
  group = await starting;
  tell({ kind: 'ready' });
  if (process.connected) process.disconnect();
  // Keeps the process alive until a stop is requested.
  const alive = setInterval(() => undefined, 60_000);
  await stopRequested;
  log('stopping');
  await group.stop();
  clearInterval(alive);
  log('stopped');
}

if (import.meta.main) {
  const [kind = '', stateDir = '', ...names] = process.argv.slice(2);
  try {
    const start = starts[kind];
    if (!start) throw new WindrowError('USAGE', `"${kind}" is neither ${Object.keys(starts).join(' nor ')}`);
    await supervise(start({ stateDir, names, log }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(message);
    tell({ kind: 'failed', code: error instanceof WindrowError ? error.code : 'SERVICE_FAILED', message });
    process.exitCode = 1;
    if (process.connected) process.disconnect();
  }
}
