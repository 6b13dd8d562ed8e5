import { isTimeZone } from '@windrow/contracts';
import type { LoadResult, RejectLimit } from '@windrow/operations/load';
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
  delimiter?: string;
  quote?: string;
  decimal?: ',' | '.';
  null?: string[];
  encoding?: string;
  path?: string;
  strict?: true;
  rejects?: string;
  maxRejects?: RejectLimit;
  timezone?: string;
  json?: true;
}

export const addLoadCommand: AddCommand = (program, context) => {
  program
    .command('load')
    .description(
      "send files to a stream: JSON Lines, JSON, CSV, Parquet or Avro, text also compressed with gzip or zstd; '-' reads standard input",
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
    .option('--path <path>', 'where the records are in each JSON value, for example features[*].properties')
    .option(
      '--delimiter <character>',
      'CSV: what separates cells; tab for a tab; default: detected',
      delimiter,
    )
    .option('--quote <character>', 'CSV: what encloses cells, or none; default: "', quote)
    .option('--decimal <sign>', 'CSV: the sign before the fraction of a number, a comma or a point', decimal)
    .option('--null <text>', 'a text that means no value, such as NA; can be repeated', nulls)
    .option('--encoding <name>', 'for example windows-1252; default: UTF-8, or UTF-16 by its mark', encoding)
    .option(
      '--timezone <zone>',
      'the zone of times without an offset, for example Europe/Zurich; default: UTC',
      timezone,
    )
    .option('--strict', 'refuse fields that the stream does not take')
    .option('--rejects <file>', 'keep rejected rows in this file, one JSON object a line')
    .option(
      '--max-rejects <rows>',
      'rows that may be rejected, as a number or as 5%; default: 0',
      rejectLimit,
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
A row that can't be parsed or typed, or that breaks a rule of the stream, becomes a dead letter; the rest of the file is loaded.
If more rows than --max-rejects were rejected, the exit code is 1. The same file gives the same ids, so load it again after any
failure. A file that can't be read is named at the end; the other files are loaded.

The beginning of a file (1 MiB) tells its format, delimiter, line ends and encoding. A file that is not what it seems, for example
Latin-1 text, an Excel workbook, decimal commas or records within another object, is refused before a row is sent; the error names
the option that helps. Fields that the stream does not take are listed at the end.

From directories and prefixes it loads .json, .jsonl, .ndjson, .geojson, .csv, .tsv (also with .gz or .zst), .parquet and .avro,
but no hidden files (names that start with . or _). It records in Kafka which files were loaded: the next run loads only new and
changed files, and continues an interrupted file near the point where it stopped. A file that is named itself is always loaded. The
order is kept within a file; if it also matters between files, for example for corrections of the weather, use --concurrency 1.

The day of a file is in its path: date=2013-01-15/ or 2013/01/15/. With --from or --to, a file without a day is an
error, and nothing is sent. Prefixes are read from the S3 store of the lake, from any bucket.

Examples:
  $ npx windrow load --stream track examples/flights-2013-01/track_events.jsonl.gz
  $ npx windrow load --stream track s3://exports/track/ --from 2013-01-01 --to 2013-02-01
  $ npx windrow load --stream weather stations.csv --decimal , --null NA --max-rejects 1%`,
    )
    .action((sources: string[], options: LoadCommand) => load(context, sources, options));
};

async function load(context: CommandContext, sources: string[], options: LoadCommand): Promise<void> {
  const {
    stream,
    from,
    to,
    concurrency,
    again,
    json,
    null: nullTexts,
    rejects,
    maxRejects,
    timezone: zone,
  } = options;
  if (from !== undefined && to !== undefined && from >= to) {
    throw new WindrowError(
      'USAGE',
      `no day is from ${from} on and before ${to}: --to is the first day left out`,
    );
  }
  const { assertLoaded, recordPath } = await import('@windrow/operations/load');
  const { shownLoad } = await import('../load/shown-load.ts');
  const { path, strict, ...dialect } = options;
  const steps = path === undefined ? undefined : recordPath(path);
  if (path !== undefined && !steps) {
    const message = `--path ${path} is not a path; expected one such as data[*] or features[*].properties`;
    throw new WindrowError('USAGE', message);
  }
  const env = installationEnvironment(context.env, context.stateDir);
  const result = await shownLoad(context, env, {
    ...{ stream, sources, dates: { from, to }, again: again ?? false, rejectsPath: rejects, timezone: zone },
    ...(concurrency !== undefined && { concurrency }),
    reading: {
      ...(dialect.delimiter !== undefined && { delimiter: dialect.delimiter }),
      ...(dialect.quote !== undefined && { quote: dialect.quote }),
      ...(dialect.decimal !== undefined && { decimal: dialect.decimal }),
      ...(dialect.encoding !== undefined && { encoding: dialect.encoding }),
      ...(nullTexts && { nulls: nullTexts }),
      ...(steps && { path: steps }),
      strict: strict ?? false,
    },
  });
  if (json) printJson(context, result);
  else for (const line of describeLoad(result)) context.print(line);
  assertLoaded(result, maxRejects);
}

/** `track: 27,004 read, 27,004 sent, 0 dead letters in 2.1 s (12,859 a second)`, the dead letters' reasons, the files. */
export function describeLoad(result: LoadResult): string[] {
  const { stream, read, sent, rejected, seconds, perFile, alreadyLoaded } = result;
  const rate = Math.round(read / Math.max(seconds, 0.001));
  const reasons = totals(perFile.map(({ reasons }) => reasons));
  const warnings = totals(perFile.map(({ warnings }) => warnings));
  const notes = totals(perFile.map((file) => file.notes));
  const unknown = totals(perFile.map(({ unknownFields = {} }) => unknownFields));
  const complete = perFile.filter((file) => file.complete).length;
  return [
    `${stream}: ${count(read)} read, ${count(sent)} sent, ${count(rejected)} dead letters in ${seconds.toFixed(1)} s (${count(rate)} a second)`,
    ...[...reasons].map(([reason, events]) => `  ${reason}: ${count(events)}`),
    ...[...warnings].map(([warning, events]) => `  warning ${warning}: ${count(events)} events`),
    ...[...notes].map(([reason, values]) => `  ${reason}: ${count(values)} values, see _quality`),
    ...(unknown.size > 0
      ? [`fields that ${stream} does not take (in _extra), with the number of their values:`]
      : []),
    ...[...unknown].map(([name, values]) => `  ${name}: ${count(values)}`),
    ...(result.files > 1 ? [`${count(complete)} of ${count(result.files)} files loaded`] : []),
    ...perFile
      .filter(({ startedAt }) => startedAt > 0)
      .map(({ file, startedAt }) => `${file}: went on after ${count(startedAt)} events`),
    ...(alreadyLoaded > 0 ? [`${count(alreadyLoaded)} files already loaded (--again loads them too)`] : []),
  ];
}

function totals(counts: Record<string, number>[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [name, value] of counts.flatMap((each) => Object.entries(each)))
    sums.set(name, (sums.get(name) ?? 0) + value);
  return sums;
}

function files(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 16) return value;
  throw new InvalidArgumentError('It must be an integer from 1 to 16.');
}

function timezone(text: string): string {
  if (isTimeZone(text)) return text;
  throw new InvalidArgumentError('It must be an IANA time zone such as Europe/Zurich.');
}

function delimiter(text: string): string {
  if (text === 'tab' || text === '\\t') return '\t';
  if ([...text].length === 1 && !/["\r\n]/.test(text)) return text;
  throw new InvalidArgumentError('It must be one character, or tab.');
}

function quote(text: string): string {
  if (text === 'none' || /^[!-~]$/.test(text)) return text;
  throw new InvalidArgumentError('It must be one ASCII character, or none.');
}

function decimal(text: string): ',' | '.' {
  if (text === ',' || text === '.') return text;
  throw new InvalidArgumentError('It must be a comma or a point.');
}

function nulls(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function encoding(text: string): string {
  try {
    return new TextDecoder(text).encoding && text;
  } catch {
    throw new InvalidArgumentError(
      'It must be a name of the Encoding standard, such as utf-8, utf-16le, windows-1252 or shift_jis.',
    );
  }
}

function rejectLimit(text: string): RejectLimit {
  const [, rows, percent] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text) ?? [];
  const isPercent = percent === '%';
  if (rows !== undefined && (isPercent ? Number(rows) <= 100 : /^\d+$/.test(rows)))
    return { rows: Number(rows), isPercent };
  throw new InvalidArgumentError('It must be a number of rows, such as 10, or a share of them, such as 1%.');
}
