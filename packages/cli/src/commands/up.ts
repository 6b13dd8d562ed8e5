import { addressOf, startBackgroundServices } from '@windrow/stack';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson, unlessInterrupted } from '../context.ts';
import { installationEnvironment } from '../environment.ts';

export const addUpCommand: AddCommand = (program, context) => {
  program
    .command('up')
    .description(
      'create topics and tables, start the four services in the background, and wait until they are ready',
    )
    .option('--json', 'print the services as JSON')
    .addHelpText(
      'after',
      `
A service that dies is started again. Logs are in .windrow/logs. The configuration comes from the environment: see windrow config.

Example:
  $ npx windrow stack up && npx windrow up
  $ LAKE_MAX_AGE_SECONDS=5 npx windrow up`,
    )
    .action((options: { json?: true }) => up(context, options));
};

async function up(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const { env, stateDir, note, print, signal } = context;
  const resolved = installationEnvironment(env, stateDir);
  const { applyInstallation } = await import('@windrow/operations/apply');
  const { describeApplied } = await import('../applied.ts');
  for (const line of describeApplied(await applyInstallation(resolved))) note(line);
  const starting = startBackgroundServices({ stateDir, env: resolved, log: note });
  const records = await unlessInterrupted(starting, signal);
  if (json) return printJson(context, records);
  for (const record of records) {
    const takes = record.ports.http === undefined ? '' : `, takes events on ${addressOf(record, 'http')}`;
    print(`${record.name}: ${addressOf(record)}${takes}`);
  }
}
