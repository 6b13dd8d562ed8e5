import { Command } from 'commander';
import { addAuditCommand } from './commands/audit.ts';
import { addConfigCommand } from './commands/config.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDownCommand } from './commands/down.ts';
import { addKeysCommand } from './commands/keys.ts';
import { addLakeCommand } from './commands/lake.ts';
import { addLoadCommand } from './commands/load.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addSimulateCommand } from './commands/simulate.ts';
import { addStackCommand } from './commands/stack.ts';
import { addStatusCommand } from './commands/status.ts';
import { addStreamsCommand } from './commands/streams.ts';
import { addUpCommand } from './commands/up.ts';
import { addWaitCommand } from './commands/wait.ts';
import { addWeatherCommand } from './commands/weather.ts';
import type { AddCommand, CommandContext } from './context.ts';

const additions: AddCommand[] = [
  addDemoCommand,
  addStackCommand,
  addStreamsCommand,
  addConfigCommand,
  addUpCommand,
  addDownCommand,
  addStatusCommand,
  addKeysCommand,
  addLoadCommand,
  addSimulateCommand,
  addWeatherCommand,
  addWaitCommand,
  addAuditCommand,
  addLakeCommand,
  addReplayCommand,
];

/** The command line; it throws what its commands throw, and commander's own errors, and never exits by itself. */
export function createProgram(context: CommandContext): Command {
  const program = new Command('windrow')
    .description('Turns event streams into queryable tables: a Delta lake and Postgres, exactly once')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.note(text.trimEnd()),
    })
    .showHelpAfterError('(see --help)')
    .addHelpText(
      'after',
      `
Commands use the installation that the environment names (KAFKA_BROKERS, SCHEMA_REGISTRY_URL, S3_ENDPOINT, LAKE_BUCKET,
DATABASE_URL), otherwise the local stack of this clone. Exit codes: 0 success, 1 failure, 2 wrong usage.

Example, from a fresh clone to an answer:
  $ npx windrow demo`,
    );
  for (const add of additions) add(program, context);
  return program;
}
