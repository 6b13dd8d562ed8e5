import type { Behind } from '@windrow/operations';
import type { AddCommand, CommandContext } from '../context.ts';
import { installationEnvironment } from '../environment.ts';
import { positiveNumber } from './arguments.ts';

export const addWaitCommand: AddCommand = (program, context) => {
  program
    .command('wait')
    .description('wait until all accepted events are committed to the lake and Postgres')
    .option(
      '--timeout <seconds>',
      'fail after this time and name the services that are behind',
      positiveNumber,
      300,
    )
    .addHelpText('after', '\nExample:\n  $ npx windrow wait --timeout 120')
    .action((options: { timeout: number }) => wait(context, options));
};

async function wait(context: CommandContext, { timeout }: { timeout: number }): Promise<void> {
  const { env, stateDir, signal, note, print } = context;
  const { openInstallation } = await import('@windrow/operations/installation');
  const { summary, waitForLanding } = await import('@windrow/operations/landing');
  const installation = await openInstallation(installationEnvironment(env, stateDir));
  const begunMs = performance.now();
  try {
    await waitForLanding(installation, {
      timeoutMs: timeout * 1000,
      signal,
      onBehind: reports(note, summary),
    });
  } finally {
    await installation.close();
  }
  print(`all events are committed, after ${((performance.now() - begunMs) / 1000).toFixed(1)} s`);
}

/** Prints a changed line every 2 seconds at most, and an unchanged line every 15 seconds. */
function reports(
  note: (line: string) => void,
  summary: (behind: Behind[]) => string,
): (behind: Behind[]) => void {
  let [said, saidMs] = ['', 0];
  return (behind) => {
    const nowMs = performance.now();
    const line = `behind by offsets: ${summary(behind)}`;
    const pauseMs = line === said ? 15_000 : 2_000;
    if (behind.length === 0 || (said !== '' && nowMs - saidMs < pauseMs)) return;
    [said, saidMs] = [line, nowMs];
    note(line);
  };
}
