import type { LoadResult } from '@windrow/operations/load';
import { WindrowError } from '@windrow/runtime';
import { InvalidArgumentError } from 'commander';
import { type AddCommand, type CommandContext, printJson } from '../context.ts';
import { installationEnvironment } from '../environment.ts';
import { count } from '../tables.ts';
import { date } from './arguments.ts';

interface LoadCommand {
  stream: string;
  from?: string;
  to?: string;
  concurrency?: number;
  again?: true;
  json?: true;
}

export const addLoadCommand: AddCommand = (program, context) => {
  program
    .command('load')
    .description(
      "send files to a stream: JSON Lines, a JSON array or CSV, each also gzipped; '-' reads standard input",
    )
    .argument('<source...>', 'files, directories or s3://bucket/prefix, in this order')
    .requiredOption('--stream <name>', 'the stream of the events')
    .option('--from <date>', 'for directories and prefixes: the first day, for example 2013-01-15', date)
    .option('--to <date>', 'the end, exclusive', date)
    .option(
      '--concurrency <files>',
      'files of a directory or prefix to load at once, 1 to 16; default: 4',
      files,
    )
    .option('--again', 'load files again that have been loaded already')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
A line that can't be parsed or typed becomes a dead letter; the rest of the file is loaded. The same file gives the
same ids, so load it again after any failure. A file that can't be read is named at the end; the other files are loaded.

From directories and prefixes it loads .json, .jsonl, .ndjson and .csv, also with .gz, but no hidden files (names that start with
. or _). It records in Kafka which files were loaded: the next run loads only new and changed files, and continues an interrupted
file near the point where it stopped. A file that is named itself is always loaded. The order is kept within a file; if it also
matters between files, for example for corrections of the weather, use --concurrency 1.

The day of a file is in its path: date=2013-01-15/ or 2013/01/15/. With --from or --to, a file without a day is an
error, and nothing is sent. Prefixes are read from the S3 store of the lake, from any bucket.

Examples:
  $ npx windrow load --stream track examples/flights-2013-01/track_events.jsonl.gz
  $ npx windrow load --stream track s3://exports/track/ --from 2013-01-01 --to 2013-02-01`,
    )
    .action((sources: string[], options: LoadCommand) => load(context, sources, options));
};

async function load(
  context: CommandContext,
  sources: string[],
  { stream, from, to, concurrency, again, json }: LoadCommand,
): Promise<void> {
  if (from !== undefined && to !== undefined && from >= to) {
    throw new WindrowError(
      'USAGE',
      `no day is from ${from} on and before ${to}: --to is the first day left out`,
    );
  }
  const { assertLoaded } = await import('@windrow/operations/load');
  const { shownLoad } = await import('../load/shown-load.ts');
  const env = installationEnvironment(context.env, context.stateDir);
  const result = await shownLoad(context, env, {
    ...{ stream, sources, dates: { from, to }, again: again ?? false },
    ...(concurrency !== undefined && { concurrency }),
  });
  if (json) printJson(context, result);
  else for (const line of describeLoad(result)) context.print(line);
  assertLoaded(result);
}

/** `track: 27,004 read, 27,004 sent, 0 dead letters in 2.1 s (12,859 a second)`, the dead letters' reasons, the files. */
export function describeLoad(result: LoadResult): string[] {
  const { stream, read, sent, rejected, seconds, perFile, alreadyLoaded } = result;
  const rate = Math.round(read / Math.max(seconds, 0.001));
  const reasons = new Map<string, number>();
  for (const file of perFile) {
    for (const [reason, events] of Object.entries(file.reasons)) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + events);
    }
  }
  const warnings = new Map<string, number>();
  for (const file of perFile) {
    for (const [warning, events] of Object.entries(file.warnings)) {
      warnings.set(warning, (warnings.get(warning) ?? 0) + events);
    }
  }
  const complete = perFile.filter((file) => file.complete).length;
  return [
    `${stream}: ${count(read)} read, ${count(sent)} sent, ${count(rejected)} dead letters in ${seconds.toFixed(1)} s (${count(rate)} a second)`,
    ...[...reasons].map(([reason, events]) => `  ${reason}: ${count(events)}`),
    ...[...warnings].map(([warning, events]) => `  warning ${warning}: ${count(events)} events`),
    ...(result.files > 1 ? [`${count(complete)} of ${count(result.files)} files loaded`] : []),
    ...perFile
      .filter(({ startedAt }) => startedAt > 0)
      .map(({ file, startedAt }) => `${file}: went on after ${count(startedAt)} events`),
    ...(alreadyLoaded > 0 ? [`${count(alreadyLoaded)} files already loaded (--again loads them too)`] : []),
  ];
}

function files(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 16) return value;
  throw new InvalidArgumentError('It must be an integer from 1 to 16.');
}
