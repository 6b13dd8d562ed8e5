import { loadStreams, type StreamContract } from '@windrow/contracts';
import Table from 'cli-table3';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson } from '../context.ts';
import { installationEnvironment } from '../environment.ts';
import { plainTable } from '../tables.ts';

export const addStreamsCommand: AddCommand = (program, context) => {
  const streams = program
    .command('streams')
    .description('list the streams, with their topics and tables')
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExamples:\n  $ npx windrow streams\n  $ npx windrow streams apply')
    .action((options: { json?: true }) => list(context, options));
  streams
    .command('apply')
    .description('create the missing topics, subjects and Postgres tables; running it again changes nothing')
    .addHelpText('after', '\nExample:\n  $ KAFKA_PARTITIONS=12 npx windrow streams apply')
    .action((_options, command: { optsWithGlobals(): { json?: true } }) =>
      apply(context, command.optsWithGlobals()),
    );
};

interface StreamLine {
  name: string;
  description: string;
  topics: string[];
  tables: string[];
}

async function list(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const lines = (await loadStreams()).map(lineOf);
  if (json) return printJson(context, lines);
  const table = new Table(plainTable(['stream', 'topics', 'tables', 'what it is']));
  for (const line of lines) {
    table.push([line.name, line.topics.join('\n'), line.tables.join('\n'), line.description]);
  }
  context.print(table.toString());
}

function lineOf({ name, description, topics, lake, curated }: StreamContract): StreamLine {
  const tables = [lake.raw, lake.curated].filter((path) => path !== undefined).map((path) => `lake ${path}`);
  const aggregates = curated?.aggregates?.map(({ table }) => table) ?? [];
  if (curated) tables.push(...[curated.table, ...aggregates].map((table) => `postgres ${table}`));
  return {
    name,
    description,
    topics: [topics.raw.name, ...(topics.enriched ? [topics.enriched.name] : [])],
    tables,
  };
}

async function apply(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const { applyInstallation } = await import('@windrow/operations/apply');
  const { describeApplied } = await import('../applied.ts');
  const applied = await applyInstallation(installationEnvironment(context.env, context.stateDir));
  if (json) return printJson(context, applied);
  for (const line of describeApplied(applied)) context.print(line);
}
