import { WindrowError } from '@windrow/runtime';
import { type Stack, startStack } from './stack.ts';
import { type PartName, partNames } from './state.ts';

// The background process of `windrow stack up`: node supervisor.ts STATE_DIR [PART…]. It tells its parent how the start
// goes; when the parent is gone before the stack is ready, nobody wants it any more, and it stops again. Afterwards it
// runs until it is told to stop by SIGTERM or SIGINT.

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

async function supervise(stateDir: string, parts: PartName[]): Promise<void> {
  let stack: Stack | undefined;
  const stopRequested = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
    process.once('disconnect', () => stack ?? resolve());
  });
  const starting = startStack({ stateDir, log, ...(parts.length > 0 ? { parts } : {}) }, 'supervisor');
  // Asked to stop while the parts start: this process ends, and their keepers end them.
  const interrupted = await Promise.race([starting.then(() => false), stopRequested.then(() => true)]);
  if (interrupted) {
    log('stopped before it was ready');
    process.exit(1);
  }
  stack = await starting;
  tell({ kind: 'ready' });
  if (process.connected) process.disconnect();
  // The handle that keeps the process alive until it is asked to stop.
  const alive = setInterval(() => undefined, 60_000);
  await stopRequested;
  log('stopping');
  await stack.stop();
  clearInterval(alive);
  log('stopped');
}

if (import.meta.main) {
  const [stateDir = '', ...names] = process.argv.slice(2);
  try {
    await supervise(stateDir, names.filter((name) => partNames.includes(name as PartName)) as PartName[]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(message);
    tell({ kind: 'failed', code: error instanceof WindrowError ? error.code : 'STACK_PART_FAILED', message });
    process.exitCode = 1;
    if (process.connected) process.disconnect();
  }
}
