import path from 'node:path';
import { hideUrlPasswords } from '@windrow/runtime';
import { type AskedStack, askStack, startBackgroundStack, stopServices, stopStack } from '@windrow/stack';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson, unlessInterrupted } from '../context.ts';

export const addStackCommand: AddCommand = (program, context) => {
  const stack = program
    .command('stack')
    .description('start and stop the local stack: Kafka, registry, S3, Postgres, Prometheus');
  stack
    .command('up')
    .description('start the stack without data, and wait until every part works')
    .option('--json', 'print the endpoints as JSON, without secrets')
    .addHelpText('after', '\nExample:\n  $ npx windrow stack up')
    .action((options: { json?: true }) => up(context, options));
  stack
    .command('down')
    .description('stop the stack and its services; removes the data, keeps the logs')
    .addHelpText('after', '\nExample:\n  $ npx windrow stack down')
    .action(() => down(context));
  stack
    .command('status')
    .description('show the parts and their addresses; exit 1 unless all are ready')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  $ npx windrow stack status --json')
    .action((options: { json?: true }) => status(context, options));
};

async function up(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const { stateDir, note, print, signal } = context;
  const starting = startBackgroundStack({ stateDir, log: (line) => note(`stack: ${line}`) });
  const endpoints = await unlessInterrupted(starting, signal);
  const shown = Object.fromEntries(
    Object.entries(endpoints).map(([name, value]) => [name, shownValue(name, value)]),
  );
  if (json) return printJson(context, shown);
  for (const [name, value] of Object.entries(shown)) print(`${name}=${value}`);
  note(`with their secrets, for other programs: ${path.join(stateDir, 'stack.env')}`);
}

function shownValue(name: string, value: string): string {
  return name === 'AWS_SECRET_ACCESS_KEY' ? '***' : hideUrlPasswords(value);
}

async function down({ stateDir, print }: CommandContext): Promise<void> {
  if (await stopServices(stateDir)) print('the services are stopped');
  const { stopped } = await stopStack(stateDir);
  print(stopped ? 'the stack is stopped' : 'no stack was running');
}

async function status(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const status = await askStack(context.stateDir);
  if (json) printJson(context, status);
  else for (const line of describeStack(status)) context.print(line);
  if (status.state !== 'ready') process.exitCode = 1;
}

/** One line for the stack and one for each part. */
export function describeStack({ state, parts }: AskedStack): string[] {
  return [
    `stack: ${state}`,
    ...parts.map(({ name, state: partState, ports, failure }) => {
      // The last record of a supervisor that has crashed is out of date.
      const now = state === 'crashed' ? 'gone' : partState;
      const addresses = Object.values(ports).map((port) => `127.0.0.1:${port}`);
      return `  ${name.padEnd(14)} ${now.padEnd(10)} ${addresses.join(' ')}${failure ? `\n    ${failure}` : ''}`;
    }),
  ];
}
