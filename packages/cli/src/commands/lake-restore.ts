import { epochMs, hasOffset } from '@windrow/contracts';
import type { Lake, RestoreResult, RestoreTarget } from '@windrow/operations';
import Table from 'cli-table3';
import { type Command, InvalidArgumentError } from 'commander';
import { assertAskable, confirmed } from '../confirmed.ts';
import type { CommandContext } from '../context.ts';
import { printJson } from '../context.ts';
import { count, plainTable } from '../tables.ts';

interface RestoreOptions {
  to: RestoreTarget;
  dryRun?: true;
  yes?: true;
  json?: true;
}

export function addRestoreCommand(
  lake: Command,
  context: CommandContext,
  withLake: (use: (lake: Lake, env: NodeJS.ProcessEnv) => Promise<void>) => Promise<void>,
): void {
  lake
    .command('restore')
    .description(
      'restore a table to an older version: its files, and the offsets from which its sinks continue',
    )
    .argument('<table>', 'the path of the table, for example raw/track')
    .requiredOption(
      '--to <version>',
      'a version, or a time with its zone, for example 2013-01-15T12:00:00Z',
      target,
    )
    .option('--dry-run', 'show the changes without making them')
    .option('--yes', 'do not ask for confirmation')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The sinks read the later events from Kafka again and write them anew, so no event is lost. If a sink wrote wrong rows, fix the
sink first. Running sinks need not be stopped. A restore is a new version, so another restore can undo it.

Examples:
  $ npx windrow lake history curated/track
  $ npx windrow lake restore curated/track --to 41 --dry-run
  $ npx windrow lake restore curated/track --to 2013-01-15T12:00:00Z --yes`,
    )
    .action((table: string, options: RestoreOptions) =>
      withLake((opened, env) => restore(context, opened, env, table, options)),
    );
}

async function restore(
  context: CommandContext,
  lake: Lake,
  env: NodeJS.ProcessEnv,
  path: string,
  {
    to,
    json,
    dryRun = false,
    yes = false,
  }: { to: RestoreTarget; json?: true; dryRun?: boolean; yes?: boolean },
): Promise<void> {
  const { tableNamed, restoreTable } = await import('@windrow/operations/lake');
  if (!dryRun && !yes) assertAskable(context);
  const confirm = async (planned: RestoreResult) => {
    if (dryRun || yes) return yes && !dryRun;
    for (const line of planLines(planned)) context.note(line);
    return confirmed(context, 'Restore it?');
  };
  const result = await restoreTable(context, env, lake, tableNamed(lake, path), to, confirm);
  if (json) return printJson(context, { ...result, dryRun });
  const isPlan = result.version === null && changesAnything(result);
  for (const line of isPlan && dryRun ? planLines(result) : []) context.print(line);
  context.print(`${result.table}: ${outcome(result)}`);
}

const changesAnything = ({ files, positions }: RestoreResult) =>
  files.added + files.removed > 0 || positions.length > 0;

function outcome(result: RestoreResult): string {
  const { version, to, from } = result;
  if (version !== null) {
    const again = result.positions.reduce((sum, { rowsToLandAgain }) => sum + rowsToLandAgain, 0);
    return `version ${version} is as version ${to} was; ${again > 0 ? `the sinks land ${count(again)} rows again` : 'nothing has to land again'}`;
  }
  if (changesAnything(result)) return 'nothing was changed';
  return to === from
    ? `version ${to} is the newest one: nothing to change`
    : `nothing has changed since version ${to}`;
}

function planLines({ table, from, to, rows, files, positions }: RestoreResult): string[] {
  const lines = new Table(
    plainTable(['  partition', 'offset now', 'then', 'rows that land again'], [1, 2, 3]),
  );
  for (const place of positions) {
    const numbers = [place.from, place.to, place.rowsToLandAgain].map(count);
    lines.push([`  ${place.topic}/${place.partition}`, ...numbers]);
  }
  const rowsOf = (counted: number | null) => (counted === null ? 'untold' : count(counted));
  return [
    `${table}: from version ${from} back to ${to}`,
    `${count(files.removed)} files go, with ${rowsOf(rows.removed)} rows; ${count(files.added)} come back, with ${rowsOf(rows.added)} rows`,
    ...(positions.length > 0 ? [lines.toString()] : []),
  ];
}

/** A time must have a zone, so that nobody restores to another hour than meant. */
function target(text: string): RestoreTarget {
  if (/^\d{1,15}$/.test(text)) return { version: Number(text) };
  const timeMs = hasOffset(text) ? epochMs(text) : undefined;
  if (timeMs !== undefined) return { timeMs };
  throw new InvalidArgumentError(
    'It must be a version such as 41, or a time with its zone such as 2013-01-15T12:00:00Z.',
  );
}
