import { landedSchema } from '@windrow/contracts';
import { createEncoder, type Epochs, TableReplacement, tableSchemaFromAvro } from '@windrow/lake';
import { databaseError } from '@windrow/postgres';
import { failpoint, retry, WindrowError } from '@windrow/runtime';
import pg from 'pg';
import type { Progress } from '../progress.ts';
import { FileBounds, LakeScan } from './lake-scan.ts';
import { LakeStage } from './lake-stage.ts';
import { OffsetRanges } from './offset-ranges.ts';
import { type ReplayPlan, whatIsThere } from './plan.ts';
import { dropStage, PostgresStage } from './postgres-stage.ts';
import { stagedRows, swapIn } from './postgres-swap.ts';
import { insertReplay, type ReplayRecord, readReplay, unfinishedReplay, updateReplay } from './record.ts';
import { lockStream, type ReplayedStream, type Session } from './session.ts';
import { Stage } from './stage.ts';

export interface RunOptions {
  rate?: number;
  signal: AbortSignal;
  progress: Progress;
}

/** As the lake sink has it in its ledger. */
const sink = 'lake';

/**
 * Replays what was planned. Killed at any point, it is taken up again by {@link resumeReplay}.
 * @throws WindrowError REPLAY_IMPOSSIBLE where another replay of the stream is not finished; those of the parts; STOPPED
 */
export async function startReplay(
  session: Session,
  stream: ReplayedStream,
  plan: ReplayPlan,
  options: RunOptions,
): Promise<ReplayRecord> {
  const { db } = session;
  await lockStream(db, stream.contract.name);
  const open = await unfinishedReplay(db, stream.contract.name);
  if (open) {
    const ways = open.state === 'swapping' ? '' : `, or give it up: windrow replay --cancel ${open.id}`;
    const message = `replay ${open.id} of ${open.stream} is not finished (${open.state}). Go on with it: windrow replay --resume ${open.id}${ways}`;
    throw new WindrowError('REPLAY_IMPOSSIBLE', message);
  }
  const record = await insertReplay(db, stream.contract, {
    target: plan.target,
    selection: plan.selection,
    ranges: plan.ranges.toJSON(),
    landed: [...plan.landed.enriched],
    lakeVersionBefore: plan.curated.version,
  });
  return run(session, stream, record, plan, options);
}

/** Goes on with a replay that has begun and was stopped. @throws WindrowError USAGE where there is nothing to go on with */
export async function resumeReplay(
  session: Session,
  stream: ReplayedStream,
  id: number,
  options: RunOptions,
): Promise<ReplayRecord> {
  const { db, installation } = session;
  await lockStream(db, stream.contract.name);
  const record = await readReplay(db, id);
  if (record.state === 'done' || record.state === 'cancelled')
    throw new WindrowError('USAGE', `replay ${id} is ${record.state}: there is nothing to go on with`);
  const there = await whatIsThere(session, stream, {
    ranges: OffsetRanges.of(record.ranges),
    landed: { raw: new Map(), enriched: new Map(record.landed) },
    raw: await LakeScan.open(installation.lake, stream.contract.lake.raw),
    curated: await LakeScan.open(installation.lake, stream.curatedPath),
  });
  return run(session, stream, record, { ...record, ...there }, options);
}

/** Gives a replay up that has changed nothing yet. @throws WindrowError USAGE */
export async function cancelReplay(session: Session, stream: ReplayedStream, id: number): Promise<void> {
  const { db } = session;
  await lockStream(db, stream.contract.name);
  const record = await readReplay(db, id);
  if (record.state !== 'staging' && record.state !== 'staged') {
    const message =
      record.state === 'swapping'
        ? `replay ${id} has begun to change tables: go on with it, windrow replay --resume ${id}`
        : `replay ${id} is ${record.state}`;
    throw new WindrowError('USAGE', message);
  }
  // A claim of its own ends the former one, whose files go with it.
  if (record.lakeEpoch !== null) await (await replacementOf(session, stream)).claim();
  await dropStage(db, id);
  await updateReplay(db, id, { state: 'cancelled', lakeStaged: null });
}

async function run(
  session: Session,
  stream: ReplayedStream,
  record: ReplayRecord,
  plan: ReplayPlan,
  options: RunOptions,
): Promise<ReplayRecord> {
  const { db } = session;
  const { id } = record;
  try {
    const replacement = record.target === 'postgres' ? undefined : await replacementOf(session, stream);
    const held = await heldEpochs(record, replacement);
    const isStaged = record.state !== 'staging' && held !== undefined;
    if (!isStaged) await stage(session, stream, id, plan, replacement, options);
    await publish(session, stream, id, replacement, options);
    await dropStage(db, id);
    return await readReplay(db, id);
  } catch (cause) {
    const error = cause instanceof pg.DatabaseError ? databaseError('replay', cause) : cause;
    if (!options.signal.aborted) throw error;
    const { state } = await readReplay(db, id);
    const ways = state === 'swapping' ? '' : `, or give it up with --cancel ${id}; nothing has changed`;
    throw new WindrowError(
      'STOPPED',
      `replay ${id} was stopped: go on with windrow replay --resume ${id}${ways}`,
      { cause },
    );
  }
}

async function replacementOf(
  { installation }: Session,
  { contract, curatedPath }: ReplayedStream,
): Promise<TableReplacement> {
  const replacement = await TableReplacement.open(installation.lake, {
    path: curatedPath,
    sink,
    idColumns: contract.id,
    encoder: createEncoder('columnar'),
  });
  if (replacement) return replacement;
  throw new WindrowError('USAGE', `${curatedPath} is not there yet`);
}

/** The claim under which the files were uploaded; undefined where it is no longer held, and they may be gone. */
async function heldEpochs(
  { lakeEpoch, lakeVersion }: ReplayRecord,
  replacement: TableReplacement | undefined,
): Promise<Epochs | undefined> {
  if (!replacement) return new Map();
  if (lakeEpoch === null) return undefined;
  const epochs = replacement.epochsOf(lakeEpoch);
  return lakeVersion !== null || (await replacement.isHeld(epochs)) ? epochs : undefined;
}

async function stage(
  session: Session,
  stream: ReplayedStream,
  id: number,
  plan: ReplayPlan,
  replacement: TableReplacement | undefined,
  options: RunOptions,
): Promise<void> {
  const { db } = session;
  const { contract, contracts, enrichedTopic } = stream;
  const epochs = await replacement?.claim();
  await updateReplay(db, id, {
    state: 'staging',
    ...(epochs && replacement && { lakeEpoch: replacement.epochIn(epochs) }),
  });
  const schema = { ...tableSchemaFromAvro(landedSchema(contract, contracts)), idColumns: contract.id };
  const lake =
    replacement && epochs
      ? new LakeStage({
          ...{ replacement, epochs, schema, eventTime: contract.eventTime, topic: enrichedTopic },
          encoder: createEncoder('columnar'),
        })
      : undefined;
  const postgres =
    plan.target !== 'lake' && contract.curated ? new PostgresStage(db, contract.curated, id) : undefined;
  await postgres?.open();
  const progress = options.progress(contract.name, 'events', plan.ranges.count);
  const staging = new Stage({
    ...{ session, stream, plan, id, signal: options.signal },
    ...(lake && { lake }),
    ...(postgres && { postgres }),
    ...(options.rate !== undefined && { rate: options.rate }),
    onProgress: (read) => progress.show(read),
  });
  try {
    await staging.run();
  } finally {
    progress.end();
  }
  await failpoint('replay.staged.beforeRecord');
  await updateReplay(db, id, {
    state: 'staged',
    counts: staging.counts,
    lakeStaged: lake ? { uploads: lake.uploads, added: [...lake.added] } : null,
  });
  await failpoint('replay.staged.afterRecord');
}

/** From here on it can only go on: first the lake, in one commit, then Postgres, window by window. */
async function publish(
  session: Session,
  stream: ReplayedStream,
  id: number,
  replacement: TableReplacement | undefined,
  options: RunOptions,
): Promise<void> {
  const { db } = session;
  const { signal } = options;
  signal.throwIfAborted();
  const record = await readReplay(db, id);
  await updateReplay(db, id, { state: 'swapping' });
  if (replacement && record.lakeVersion === null && record.lakeStaged && record.lakeEpoch !== null) {
    const epochs = replacement.epochsOf(record.lakeEpoch);
    const ranges = OffsetRanges.of(record.ranges);
    const { uploads: staged, added } = record.lakeStaged;
    const { version } = await retry(
      () =>
        replacement.commit(
          {
            ...{ id, topic: stream.enrichedTopic, landedUntil: new Map(record.landed), staged },
            added: new Map(added),
            rows: {
              columns: ['_partition', '_raw_offset'],
              has: (partition, offset) => ranges.has(partition, offset),
              mayBeIn: (stats) => new FileBounds(stats).mayHoldSome(ranges, '_raw_offset'),
            },
          },
          epochs,
          signal,
        ),
      { signal, retriable: (error) => isRetriableCommit(error) },
    );
    await updateReplay(db, id, { lakeVersion: version });
  }
  const { curated } = stream.contract;
  if (record.target !== 'lake' && curated) {
    const total = await stagedRows(db, id, curated);
    const progress = options.progress(curated.table, 'rows', total);
    try {
      const topic = stream.enrichedTopic;
      await swapIn({ db, id, mapping: curated, topic, signal, onSwapped: (rows) => progress.show(rows) });
    } finally {
      progress.end();
    }
  }
  await updateReplay(db, id, { state: 'done' });
}

/** Whose claim was taken can't win it back. */
function isRetriableCommit(error: unknown): boolean {
  return error instanceof WindrowError && error.retriable && error.code !== 'LEDGER_LOST';
}
