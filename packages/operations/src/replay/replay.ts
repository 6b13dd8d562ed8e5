import {
  databaseError,
  isOfDatabase,
  type ReplayCounts,
  type ReplayUpdate,
  rejectedRows,
  unfinishedReplay,
  updateReplay,
} from '@windrow/postgres';
import { failpoint, WindrowError } from '@windrow/runtime';
import type { Progress } from '../progress.ts';
import { LakeScan } from './lake-scan.ts';
import { OffsetRanges } from './offset-ranges.ts';
import { type ReplayPlan, whatIsThere } from './plan.ts';
import { sendRejectedRows } from './rejected-rows.ts';
import {
  createReplay,
  type LakeStaged,
  type ReplayRecord,
  readReplay,
  type TargetState,
} from './replay-record.ts';
import type { ReplayTarget } from './replay-target.ts';
import { lockStream, type ReplayedStream, type Session } from './session.ts';
import { Stage } from './stage.ts';
import { openTargets, targetNames } from './targets.ts';

export interface RunOptions {
  /** Maximum of events per second. */
  rate?: number;
  signal: AbortSignal;
  progress: Progress;
}

/**
 * Replaces the rows of a range. It stages the new rows in every target, then publishes them in Postgres, and then in the lake.
 * The lake's commit decides: a replay that stops before it can be resumed, or cancelled, which restores the rows of Postgres.
 * After it, the replay can only be resumed.
 */
export class Replay {
  readonly #session: Session;
  readonly #stream: ReplayedStream;
  readonly #plan: ReplayPlan;
  readonly #targets: readonly ReplayTarget[];
  readonly #id: number;
  #record: ReplayRecord;

  /** Starts a replay. @throws WindrowError REPLAY_IMPOSSIBLE while another replay of the stream is not finished */
  static async start(session: Session, stream: ReplayedStream, plan: ReplayPlan): Promise<Replay> {
    const { db } = session;
    await lockStream(db, stream.contract.name);
    const open = await unfinishedReplay(db, stream.contract.name);
    if (open) {
      const message = `replay ${open.id} of ${open.stream} is not finished (${open.state}). Resume it: windrow replay --resume ${open.id}, or cancel it: windrow replay --cancel ${open.id}`;
      throw new WindrowError('REPLAY_IMPOSSIBLE', message);
    }
    const record = await createReplay(db, stream.contract, {
      target: plan.target,
      selection: plan.selection,
      ranges: plan.ranges.toJSON(),
      landed: [...plan.landed.enriched],
      lakeVersionBefore: plan.curated.version,
    });
    return new Replay(session, stream, plan, record, await openTargets(session, stream, record));
  }

  /** Continues a replay that was stopped or killed. @throws WindrowError USAGE for one that has ended */
  static async resume(session: Session, stream: ReplayedStream, id: number): Promise<Replay> {
    const { db, installation } = session;
    await lockStream(db, stream.contract.name);
    const record = await readReplay(db, id);
    if (record.state === 'done' || record.state === 'cancelled')
      throw new WindrowError('USAGE', `replay ${id} is ${record.state}: there is nothing to resume`);
    const there = await whatIsThere(session, stream, {
      ranges: OffsetRanges.of(record.ranges),
      landed: { raw: new Map(), enriched: new Map(record.landed) },
      raw: await LakeScan.open(installation.lake, stream.contract.lake.raw),
      curated: await LakeScan.open(installation.lake, stream.curatedPath),
    });
    const targets = await openTargets(session, stream, record);
    return new Replay(session, stream, { ...record, ...there }, record, targets);
  }

  /**
   * Cancels a replay: the tables are as they were before it. If it is stopped, it can be called again.
   * @throws WindrowError USAGE for a replay that the lake has committed, or that has ended
   */
  static async cancel(
    session: Session,
    stream: ReplayedStream,
    id: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { db } = session;
    await lockStream(db, stream.contract.name);
    const record = await readReplay(db, id);
    if (record.state === 'done' || record.state === 'cancelled')
      throw new WindrowError('USAGE', `replay ${id} is ${record.state}: there is nothing to cancel`);
    // The lake first: it decides whether there is a way back.
    for (const target of (await openTargets(session, stream, record)).reverse()) {
      const { lakeVersion } = await target.cancel(record, signal);
      if (lakeVersion === undefined) continue;
      await updateReplay(db, id, { lakeVersion });
      const message = `replay ${id} is committed in the lake (version ${lakeVersion}) and can only be resumed: windrow replay --resume ${id}`;
      throw new WindrowError('USAGE', message);
    }
    await updateReplay(db, id, { state: 'cancelled', lakeStaged: null });
  }

  private constructor(
    session: Session,
    stream: ReplayedStream,
    plan: ReplayPlan,
    record: ReplayRecord,
    targets: readonly ReplayTarget[],
  ) {
    this.#session = session;
    this.#stream = stream;
    this.#plan = plan;
    this.#targets = targets;
    this.#record = record;
    this.#id = record.id;
  }

  /**
   * Stages the rows, unless an earlier run has done it, and publishes them.
   * @throws WindrowError STOPPED when the signal ended it; REPLAY_IMPOSSIBLE; errors of Kafka, the registry, S3 and Postgres
   */
  async run(options: RunOptions): Promise<ReplayRecord> {
    try {
      if (!(await this.#isStaged())) await this.#stage(options);
      await this.#publish(options);
      for (const target of this.#targets) await target.removeStage();
      return this.#record;
    } catch (cause) {
      const ways = `resume it with windrow replay --resume ${this.#id}, or cancel it with windrow replay --cancel ${this.#id}`;
      if (options.signal.aborted)
        throw new WindrowError('STOPPED', `replay ${this.#id} was stopped: ${ways}`, { cause });
      const error = isOfDatabase(cause) ? databaseError('replay', cause) : cause;
      if (!(error instanceof WindrowError)) throw error;
      const { code, message, retriable } = error;
      const told = `${message}. Replay ${this.#id} is not finished: ${ways}`;
      throw new WindrowError(code, told, { retriable, cause });
    }
  }

  async #isStaged(): Promise<boolean> {
    if (this.#record.state === 'staging') return false;
    for (const target of this.#targets) if (!(await target.isStaged(this.#record))) return false;
    return true;
  }

  async #update(set: ReplayUpdate<LakeStaged>): Promise<void> {
    await updateReplay(this.#session.db, this.#id, set);
    this.#record = await readReplay(this.#session.db, this.#id);
  }

  /** Calls `step` for one target after the other and merges the states that it returns. */
  async #ofAll(step: (target: ReplayTarget) => Promise<TargetState>): Promise<TargetState> {
    let state: TargetState = {};
    for (const target of this.#targets) state = { ...state, ...(await step(target)) };
    return state;
  }

  async #stage({ progress, rate, signal }: RunOptions): Promise<void> {
    await this.#update({ state: 'staging', ...(await this.#ofAll((target) => target.open())) });
    const shown = progress(this.#stream.contract.name, 'events', this.#plan.ranges.count);
    const stage = new Stage({
      ...{ session: this.#session, stream: this.#stream, plan: this.#plan, id: this.#id, signal },
      targets: this.#targets,
      ...(rate !== undefined && { rate }),
      onProgress: (read) => shown.show(read),
    });
    try {
      await stage.run();
    } finally {
      shown.end();
    }
    const staged = await this.#ofAll((target) => target.finish());
    await failpoint('replay.staged.beforeRecord');
    await this.#update({ state: 'staged', counts: stage.counts, lakeStaged: null, ...staged });
    await failpoint('replay.staged.afterRecord');
  }

  async #publish({ signal, progress }: RunOptions): Promise<void> {
    signal.throwIfAborted();
    await this.#update({ state: 'swapping' });
    for (const target of this.#targets)
      await this.#update(await target.publish(this.#record, { signal, progress }));
    await this.#update({ counts: await this.#sendRejected(signal), state: 'done' });
  }

  /** After the lake's commit: a replay that is cancelled has no dead letters of Postgres. */
  async #sendRejected(signal: AbortSignal): Promise<Partial<ReplayCounts>> {
    const { counts, target } = this.#record;
    if (!targetNames(target).includes('postgres')) return counts;
    const rejected = await rejectedRows(this.#session.db, this.#id);
    if (rejected.length > 0)
      await sendRejectedRows(rejected, {
        session: this.#session,
        stream: this.#stream,
        plan: this.#plan,
        signal,
      });
    return { ...counts, postgresRejected: rejected.length };
  }
}
