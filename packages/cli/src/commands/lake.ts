import type { HistoryEntry } from '@windrow/lake';
import type { CompactionResult, Lake, Progress, VacuumResult } from '@windrow/operations';
import Table from 'cli-table3';
import { InvalidArgumentError } from 'commander';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson } from '../context.ts';
import { installationEnvironment } from '../environment.ts';
import { progressOf } from '../progress.ts';
import { count, plainTable, size } from '../tables.ts';
import { date, positiveInteger } from './arguments.ts';
import { addRestoreCommand } from './lake-restore.ts';

export const addLakeCommand: AddCommand = (program, context) => {
  const lake = program.command('lake').description('inspect and maintain the tables of the lake');
  lake
    .command('describe')
    .description('show rows, files, columns and ledger of a table; without a table, a line for each')
    .argument('[table]', 'the path of the table, for example raw/track')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx windrow lake describe\n  $ npx windrow lake describe raw/track',
    )
    .action((table: string | undefined, options: Printed) =>
      withLake(context, (opened) => describe(context, opened, table, options)),
    );
  lake
    .command('history')
    .description('list the commits of a table, newest first; without a table, of each')
    .argument('[table]', 'the path of the table, for example raw/track')
    .option('--limit <commits>', 'at most this many for a table', positiveInteger, 20)
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  $ npx windrow lake history curated/track --limit 5')
    .action((table: string | undefined, options: Printed & { limit: number }) =>
      withLake(context, (opened) => history(context, opened, table, options)),
    );
  lake
    .command('files')
    .description(
      'print the addresses of the live files of a table, for readers that do not read the Delta log',
    )
    .argument('<table>', 'the path of the table, for example raw/track')
    .option('--date <date>', 'only files of this date, YYYY-MM-DD', date)
    .option('--json', 'print them as JSON')
    .addHelpText(
      'after',
      `
A pattern such as date=*/*.parquet also finds files that were compacted and not vacuumed yet: their rows would count twice.

Example:
  $ npx windrow lake files curated/track --date 2013-01-15`,
    )
    .action((table: string, options: Printed & { date?: string }) =>
      withLake(context, (opened) => files(context, opened, table, options)),
    );
  lake
    .command('compact')
    .description(
      'merge the small files of each window into one; with LAKE_COMPACTION=on the lake sink does it for closed windows',
    )
    .argument('<table>', 'the path of the table, for example raw/track')
    .option('--date <date>', 'only files of this date, YYYY-MM-DD', date)
    .option('--dry-run', 'list the files without compacting them')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nThe sink continues meanwhile. If you stop the command, the compactions that it has finished remain.\n\nExample:\n  $ npx windrow lake compact raw/track --date 2013-01-15',
    )
    .action((table: string, options: Printed & { date?: string; dryRun?: true }) =>
      withLake(context, (opened) => compact(context, opened, table, options)),
    );
  lake
    .command('vacuum')
    .description(
      'delete removed files, files that no commit names, and log entries, each after its retention',
    )
    .argument('<table>', 'the path of the table, for example raw/track')
    .option(
      '--older-than <time>',
      'removed longer ago, as 36h or 14d; default: what the table says, else 7d',
      age,
    )
    .option('--force', "accept a shorter time than the table's own retention")
    .option('--dry-run', 'list the files without deleting them')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Versions that need a deleted file can no longer be read.

Examples:
  $ npx windrow lake vacuum raw/track --dry-run
  $ npx windrow lake vacuum raw/track --older-than 1h --force`,
    )
    .action((table: string, options: VacuumCommand) =>
      withLake(context, (opened) => vacuum(context, opened, table, options)),
    );
  addRestoreCommand(lake, context, (use) => withLake(context, use));
};

interface Printed {
  json?: true;
}

type VacuumCommand = Printed & { olderThan?: number; dryRun?: true; force?: true };

async function withLake(
  context: CommandContext,
  use: (lake: Lake, env: NodeJS.ProcessEnv) => Promise<void>,
): Promise<void> {
  const env = installationEnvironment(context.env, context.stateDir);
  const { openLake } = await import('@windrow/operations/lake');
  const lake = await openLake(env);
  try {
    await use(lake, env);
  } finally {
    lake.store.close();
  }
}

async function describe(
  context: CommandContext,
  lake: Lake,
  path: string | undefined,
  { json }: Printed,
): Promise<void> {
  const { openTableLog, tableNamed, describeTable } = await import('@windrow/operations/lake');
  const { describeLines, overview } = await import('../lake/describe.ts');
  if (path !== undefined) {
    const table = tableNamed(lake, path);
    const described = await describeTable(lake, table, await openTableLog(lake, table, { withFiles: true }));
    if (json) return printJson(context, described);
    for (const line of describeLines(described)) context.print(line);
    return;
  }
  const { DeltaLog, systemHost } = await import('@windrow/lake');
  const described = [];
  for (const table of lake.tables) {
    const log = await DeltaLog.open(lake.store, table.path, systemHost, { withFiles: true });
    if (log) described.push(await describeTable(lake, table, log));
  }
  if (json) printJson(context, described);
  else context.print(described.length === 0 ? 'no table exists yet' : overview(described));
}

async function history(
  context: CommandContext,
  lake: Lake,
  path: string | undefined,
  { json, limit }: Printed & { limit: number },
): Promise<void> {
  const { openTableLog, tableNamed } = await import('@windrow/operations/lake');
  const { DeltaLog, readHistory, systemHost } = await import('@windrow/lake');
  const told: { table: string; commits: HistoryEntry[] }[] = [];
  for (const table of path === undefined ? lake.tables : [tableNamed(lake, path)]) {
    const log =
      path === undefined
        ? await DeltaLog.open(lake.store, table.path, systemHost)
        : await openTableLog(lake, table);
    if (!log) continue;
    const commits: HistoryEntry[] = [];
    for await (const entry of readHistory(lake.store, table.path, log.version)) {
      if (commits.push(entry) >= limit) break;
    }
    told.push({ table: table.path, commits });
  }
  if (json) return printJson(context, told);
  const { timeText } = await import('../lake/describe.ts');
  for (const { table, commits } of told) {
    const head = ['version', 'time', 'operation', 'rows +', 'rows -', 'files +', 'files -', 'by'];
    const lines = new Table(plainTable(head, [0, 3, 4, 5, 6]));
    for (const { version, timeMs, operation, by, ...of } of commits) {
      const removedRows = of.removedRows === undefined ? '?' : count(of.removedRows);
      const counts = [count(of.addedRows), removedRows, count(of.addedFiles), count(of.removedFiles)];
      lines.push([count(version), timeMs === undefined ? '' : timeText(timeMs), operation, ...counts, by]);
    }
    if (told.length > 1) context.print(table);
    context.print(lines.toString());
  }
}

async function files(
  context: CommandContext,
  lake: Lake,
  path: string,
  { json, date: only }: Printed & { date?: string },
): Promise<void> {
  const { openTableLog, tableNamed } = await import('@windrow/operations/lake');
  const table = tableNamed(lake, path);
  const log = await openTableLog(lake, table, { withFiles: true });
  const urls = [...log.liveFiles.values()]
    .filter(({ partitionValues }) => only === undefined || partitionValues.date === only)
    .map((file) => lake.store.url(`${table.path}/${decodeURIComponent(file.path)}`))
    .sort();
  if (json) printJson(context, urls);
  else for (const url of urls) context.print(url);
}

function running(context: CommandContext) {
  const progress: Progress = (what, units, total) => progressOf(context, what, units, total);
  return { signal: context.signal, progress };
}

async function compact(
  context: CommandContext,
  lake: Lake,
  path: string,
  { json, date: only, dryRun = false }: Printed & { date?: string; dryRun?: boolean },
): Promise<void> {
  const { tableNamed, compactTable } = await import('@windrow/operations/lake');
  const options = { dryRun, ...(only !== undefined && { date: only }) };
  const result = await compactTable(running(context), lake, tableNamed(lake, path), options);
  if (json) printJson(context, { ...result, dryRun });
  else for (const line of compactionLines(result, dryRun)) context.print(line);
}

function compactionLines(result: CompactionResult, dryRun: boolean): string[] {
  const { table, compactions, done, overtaken, filesRemoved, bytesBefore, bytesAfter } = result;
  if (compactions.length === 0) return [`${table}: no window has two small files`];
  if (!dryRun) {
    const others = overtaken > 0 ? `, ${count(overtaken)} of them by another process` : '';
    return [
      `${table}: ${count(done)} windows compacted${others}: ${count(filesRemoved)} files of ${size(bytesBefore)} became ${count(done - overtaken)} of ${size(bytesAfter)}`,
    ];
  }
  const lines = new Table(plainTable(['date', 'window', 'files', 'rows', 'size'], [2, 3, 4]));
  for (const { date: of, window, files: some, rows, bytes } of compactions) {
    lines.push([of ?? 'none', window, count(some), count(rows), size(bytes)]);
  }
  return [lines.toString(), `${table}: ${count(compactions.length)} windows to compact; nothing was changed`];
}

async function vacuum(
  context: CommandContext,
  lake: Lake,
  path: string,
  {
    json,
    olderThan,
    dryRun = false,
    force = false,
  }: Printed & {
    olderThan?: number;
    dryRun?: boolean;
    force?: boolean;
  },
): Promise<void> {
  const { tableNamed, vacuumTable } = await import('@windrow/operations/lake');
  const options = { dryRun, force, ...(olderThan !== undefined && { olderThanMs: olderThan }) };
  const result = await vacuumTable(running(context), lake, tableNamed(lake, path), options);
  if (json) printJson(context, { ...result, dryRun });
  else for (const line of vacuumLines(lake, result, dryRun)) context.print(line);
}

function vacuumLines(
  { store }: Lake,
  { table, garbage, deleted, expiredLogFiles }: VacuumResult,
  dryRun: boolean,
): string[] {
  const bytes = garbage.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const log = expiredLogFiles > 0 ? `, and ${count(expiredLogFiles)} files of its log` : '';
  if (!dryRun) return [`${table}: ${count(deleted)} files deleted, ${size(bytes)}${log}`];
  return [
    ...garbage.map(({ key, kind }) => `${kind}  ${store.url(key)}`),
    `${table}: ${count(garbage.length)} files to delete, ${size(bytes)}; nothing was changed`,
  ];
}

const unitMs = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function age(text: string): number {
  const [, value, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const ms = unitMs.get(unit);
  if (value !== undefined && ms !== undefined) return Number(value) * ms;
  throw new InvalidArgumentError('It must be a time such as 45m, 36h or 14d.');
}
