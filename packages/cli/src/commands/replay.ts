import { constants, setPriority } from 'node:os';
import type {
  ReplayedStream,
  ReplayPlan,
  ReplayRecord,
  Selection,
  Session,
  TargetChoice,
} from '@windrow/operations';
import { WindrowError } from '@windrow/runtime';
import { InvalidArgumentError, Option } from 'commander';
import { assertAskable, confirmed } from '../confirmed.ts';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson } from '../context.ts';
import { installationEnvironment } from '../environment.ts';
import { progressOf } from '../progress.ts';
import { date, positiveInteger, positiveNumber, time } from './arguments.ts';

interface Options {
  stream?: string;
  offsets?: string;
  from?: number;
  to?: number;
  time: 'event' | 'ingestion';
  date?: number;
  where?: { column: string; value: string };
  target: TargetChoice;
  rate?: number;
  dryRun?: true;
  yes?: true;
  resume?: number;
  cancel?: number;
  json?: true;
}

const dayMs = 86_400_000;

export const addReplayCommand: AddCommand = (program, context) => {
  const replay = program
    .command('replay')
    .description('read a range of events again and replace their rows')
    .option('--stream <name>', 'the stream')
    .option(
      '--offsets <ranges>',
      'offsets of its raw topic, for example 0:100-200,1:0-50; the end is exclusive',
    )
    .option('--from <time>', 'begin of a time range, for example 2026-06-01T12:00:00Z', time)
    .option('--to <time>', 'end of the time range, exclusive', time)
    .addOption(
      new Option('--time <which>', 'the time that --from and --to select by: event time, or arrival in Kafka')
        .choices(['event', 'ingestion'])
        .default('event'),
    )
    .option('--date <date>', 'all events that arrived in Kafka on this UTC date, YYYY-MM-DD', (text) =>
      Date.parse(date(text)),
    )
    .option(
      '--where <column=value>',
      'events whose row has this value, for example weather_match=missing',
      condition,
    )
    .addOption(
      new Option('--target <which>', 'where to replace rows')
        .choices(['lake', 'postgres', 'both'])
        .default('both'),
    )
    .option('--rate <events>', 'at most this many events per second', positiveNumber)
    .option('--dry-run', 'show the plan without replacing rows')
    .option('--yes', 'do not ask for confirmation')
    .option('--resume <id>', 'continue a replay that was stopped', number)
    .option(
      '--cancel <id>',
      'discard a replay that is not committed in the lake yet, and restore the rows of Postgres',
      number,
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Events are processed with today's rules and weather. Rows are replaced window by window in Postgres, and then in one commit
in the lake. Until that commit, --cancel restores the rows of Postgres. Live events continue and are not part of the replay. Repeating a replay produces the same rows. An event that today's
rules reject loses its row and becomes a dead letter, and so does, in Postgres, an event whose row Postgres rejects. An event that
was rejected before and is valid today is sent again.

Examples:
  $ npx windrow replay --stream track --where weather_match=missing
  $ npx windrow replay --stream track --date 2026-06-01 --yes
  $ npx windrow replay --stream track --from 2013-01-01T00:00:00Z --to 2013-01-02T00:00:00Z --target lake --dry-run
  $ npx windrow replay --stream track --offsets 0:1000-2000 --yes`,
    )
    .action((options: Options) => withSession(context, (session) => replayed(context, session, options)));
  replay
    .command('list')
    .description('list the replays, newest first')
    .option('--limit <replays>', 'at most this many', positiveInteger, 20)
    .option('--json', 'print them as JSON')
    // Commander assigns an option that the parent has, too, to the parent.
    .action((_, command: { optsWithGlobals(): { limit: number; json?: true } }) =>
      withSession(context, ({ db }) => list(context, db, command.optsWithGlobals())),
    );
  replay
    .command('show')
    .description('show one replay: who, what, when, and its result')
    .argument('<id>', 'the number of the replay', number)
    .option('--json', 'print it as JSON')
    .action((id: number, _, command: { optsWithGlobals(): { json?: true } }) =>
      withSession(context, ({ db }) => show(context, db, id, command.optsWithGlobals())),
    );
};

async function withSession(context: CommandContext, use: (session: Session) => Promise<void>): Promise<void> {
  const { openSession } = await import('@windrow/operations/replay');
  const session = await openSession(installationEnvironment(context.env, context.stateDir));
  try {
    await use(session);
  } finally {
    await session.close();
  }
}

async function replayed(context: CommandContext, session: Session, options: Options): Promise<void> {
  const { planReplay, Replay, readReplay, replayedStream } = await import('@windrow/operations/replay');
  const begun = options.resume ?? options.cancel;
  if (begun !== undefined) {
    const stream = await replayedStream((await readReplay(session.db, begun)).stream);
    if (options.cancel !== undefined) {
      await Replay.cancel(session, stream, begun, context.signal);
      context.print(`replay ${begun} is cancelled; the tables are as they were before it`);
      return;
    }
    const replay = await Replay.resume(session, stream, begun);
    return printDone(context, await replay.run(running(context, options)), options);
  }
  const selection = selectionOf(options);
  if (options.stream === undefined)
    throw new WindrowError('USAGE', 'name the stream, for example --stream track');
  const stream = await replayedStream(options.stream);
  if (!options.dryRun && !options.yes) assertAskable(context);
  const plan = await planReplay(session, stream, { selection, target: options.target }, context);
  if (options.dryRun || plan.ranges.isEmpty) return printPlan(context, session, stream, plan, options);
  if (!options.yes) {
    await printPlan(context, session, stream, plan, {});
    if (!(await confirmed(context, 'Replace these rows?'))) return context.print('nothing was changed');
  }
  const replay = await Replay.start(session, stream, plan);
  await printDone(context, await replay.run(running(context, options)), options);
}

function selectionOf({ offsets, from, to, time: which, date, where }: Options): Selection {
  const given: Selection[] = [];
  if (offsets !== undefined) given.push({ by: 'offsets', ranges: offsets });
  if (from !== undefined || to !== undefined) {
    if (from === undefined || to === undefined || from >= to)
      throw new WindrowError('USAGE', 'a time range needs --from and a later --to');
    given.push({ by: which === 'event' ? 'eventTime' : 'ingestionTime', fromMs: from, toMs: to });
  }
  if (date !== undefined) given.push({ by: 'ingestionTime', fromMs: date, toMs: date + dayMs });
  if (where) given.push({ by: 'where', ...where });
  const [selection, ...more] = given;
  if (selection && more.length === 0) return selection;
  throw new WindrowError(
    'USAGE',
    'select the events by exactly one of: --offsets, --from with --to, --date, --where',
  );
}

function running(context: CommandContext, { rate }: Options) {
  // Live services get the processor first.
  setPriority(constants.priority.PRIORITY_LOW);
  return {
    signal: context.signal,
    ...(rate !== undefined && { rate }),
    progress: (what: string, units: string, total: number) => progressOf(context, what, units, total),
  };
}

async function printPlan(
  context: CommandContext,
  { db }: Session,
  { contract }: ReplayedStream,
  plan: ReplayPlan,
  { json }: { json?: true },
): Promise<void> {
  const { expectedSeconds } = await import('@windrow/operations/replay');
  const { planText } = await import('../replay/describe.ts');
  const { target, ranges, sources, files } = plan;
  const seconds = await expectedSeconds(db, contract.name, ranges.count);
  const [rows, lakeVersion] = [plan.accepted.rows, plan.curated.version];
  if (json) printJson(context, { target, ranges, sources, rows, files, lakeVersion, seconds });
  else context.print(planText(contract, plan, seconds));
}

async function printDone(
  context: CommandContext,
  record: ReplayRecord,
  { json }: { json?: true },
): Promise<void> {
  const { outcome } = await import('../replay/describe.ts');
  if (json) printJson(context, shown(record));
  else context.print(`replay ${record.id} of ${record.stream}: ${outcome(record)}`);
}

/** A record without the fields that only the program needs. */
function shown({ lakeStaged: _, lakeEpoch: __, ...record }: ReplayRecord) {
  return record;
}

async function list(
  context: CommandContext,
  db: Session['db'],
  { limit, json }: { limit: number; json?: true },
): Promise<void> {
  const { listReplays } = await import('@windrow/operations/replay');
  const { listText } = await import('../replay/describe.ts');
  const replays = await listReplays(db, limit);
  if (json) printJson(context, replays.map(shown));
  else context.print(listText(replays));
}

async function show(
  context: CommandContext,
  db: Session['db'],
  id: number,
  { json }: { json?: true },
): Promise<void> {
  const { readReplay } = await import('@windrow/operations/replay');
  const { recordText } = await import('../replay/describe.ts');
  const record = await readReplay(db, id);
  if (json) printJson(context, shown(record));
  else context.print(recordText(record));
}

function condition(text: string): { column: string; value: string } {
  const [, column, value] = /^(\w+)=(.*)$/.exec(text) ?? [];
  if (column !== undefined && value !== undefined) return { column, value };
  throw new InvalidArgumentError('It must be a column and a value, such as weather_match=missing.');
}

function number(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(
    'It must be the number of a replay. `windrow replay list` shows the numbers.',
  );
}
