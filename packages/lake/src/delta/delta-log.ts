import { failpoint, isRetriable, WindrowError } from '@windrow/runtime';
import type { Host } from '../host.ts';
import type { ObjectStore } from '../object-store.ts';
import { type Action, type MetaData, type Protocol, parseCommit, serializeCommit } from './actions.ts';
import { type StateAction, writeCheckpoint } from './checkpoint.ts';
import type { LiveFile } from './live-files.ts';
import { expiredAtOnce, expireLog } from './log-expiry.ts';
import { checkpointKey, commitKey, lastCheckpointKey } from './log-paths.ts';
import { commitsAfter, lastCheckpoint, readCommits, replayLog } from './log-segment.ts';
import { afterCommit, type LogState, readState } from './log-state.ts';
import { logRetentionMs, tombstoneRetentionMs } from './retention.ts';
import { readTableState, type TableState } from './table-state.ts';

/** What a commit is to hold, made from the state that it follows. */
export interface Draft {
  /** Names its failpoints, `lake.<step>.beforePut` and `.afterPut`. */
  step: 'claim' | 'commit' | 'compaction' | 'replay' | 'restore' | 'schema';
  /** For people who read the table's history. */
  operation: string;
  /** Goes into commitInfo beside what every commit has. */
  info?: Record<string, unknown>;
  actions: Action[];
}

export interface Appended {
  version: number;
  /** How often another writer was first. */
  conflicts: number;
}

const engineInfo = 'windrow/0.1.0';
const commitsPerCheckpoint = 20;
const maxConflicts = 200;
const maxUnknownAnswers = 8;

/**
 * A Delta table's log as one reader and writer knows it: the state at `version`, brought up to date by `refresh`, moved on
 * by `append`. Of the table's files it holds none, unless it was opened with them; `files` reads them when asked.
 */
export class DeltaLog {
  readonly root: string;
  readonly #store: ObjectStore;
  readonly #host: Host;
  #state: LogState;

  private constructor(store: ObjectStore, root: string, host: Host, state: LogState) {
    this.#store = store;
    this.root = root;
    this.#host = host;
    this.#state = state;
  }

  /**
   * `withFiles`: also follows the live files, which takes memory for each.
   * @returns undefined when there is no table at `root`
   * @throws WindrowError LAKE_LOG_INVALID, also for a table that demands an unknown feature; S3_FAILED
   */
  static async open(
    store: ObjectStore,
    root: string,
    host: Host,
    { withFiles = false } = {},
  ): Promise<DeltaLog | undefined> {
    const state = await readState(store, root, withFiles);
    return state && new DeltaLog(store, root, host, state);
  }

  /** Makes version 0. No error when another writer was first: the caller opens what is there now. */
  static async create(
    store: ObjectStore,
    root: string,
    host: Host,
    draft: Omit<Draft, 'step'>,
  ): Promise<void> {
    await store.putIfAbsent(commitKey(root, 0), commitBytes(draft, host.newId(), host.nowMs()));
  }

  get version(): number {
    return this.#state.version;
  }

  /** Version of the newest checkpoint that this one has read or written; −1 for none. */
  get checkpointVersion(): number {
    return this.#state.checkpointVersion;
  }

  get protocol(): Protocol {
    return this.#state.protocol;
  }

  get metaData(): MetaData {
    return this.#state.metaData;
  }

  /** appId → its latest version. */
  get txns(): ReadonlyMap<string, number> {
    return this.#state.txns;
  }

  /** The files of this version by path, of a log that was opened with them. */
  get liveFiles(): ReadonlyMap<string, LiveFile> {
    if (!this.#state.files) throw new TypeError(`the log of ${this.root} was opened without its files`);
    return this.#state.files;
  }

  /** Reads what has been committed since. */
  async refresh(): Promise<void> {
    const from = this.#state.version;
    const { versions, gapless } = await commitsAfter(this.#store, this.root, from);
    if (!gapless) {
      // Commits that we haven't seen were cleaned away behind a newer checkpoint.
      const state = await readState(this.#store, this.root, this.#state.files !== undefined);
      if (!state)
        throw new WindrowError('LAKE_LOG_INVALID', `the log of ${this.#store.url(this.root)} is gone`);
      if (state.version > this.#state.version) this.#state = state;
      return;
    }
    for await (const { version, actions } of readCommits(this.#store, this.root, versions)) {
      this.#apply(version, actions);
    }
  }

  /**
   * Commits the draft as the version after the state it was made from. When another writer was first, the log is read on
   * and the draft made anew; so a draft that depends on the state checks it and throws when it no longer holds, which
   * ends the attempt with nothing committed. A PUT without an answer is settled by reading that version back and
   * comparing the commit's own id.
   * @throws what `draft` throws: then nothing is committed, nor will be. S3_FAILED, retriable: **then it is not known
   * whether it is or will be committed**; only a later commit of any writer settles it. LAKE_CONFLICT, retriable: others
   * were always first.
   */
  async append(draft: () => Draft): Promise<Appended> {
    const id = this.#host.newId();
    let unknownAnswers = 0;
    // Nothing is appended to a log that is gone, or that was cleaned up while this process slept.
    await this.#patiently(() => this.refresh());
    for (let conflicts = 0; conflicts <= maxConflicts; ) {
      const version = this.#state.version + 1;
      const made = draft();
      const bytes = commitBytes(made, id, this.#host.nowMs());
      await failpoint(`lake.${made.step}.beforePut`);
      try {
        if (await this.#store.putIfAbsent(commitKey(this.root, version), bytes)) {
          await failpoint(`lake.${made.step}.afterPut`);
          this.#apply(version, made.actions);
          return { version, conflicts };
        }
      } catch (error) {
        unknownAnswers += 1;
        if (!isRetriable(error) || unknownAnswers >= maxUnknownAnswers) throw error;
        await this.#host.pause(100 * 2 ** unknownAnswers);
      }
      // First on to the end, then back to our version: a delayed PUT of our own may land at any moment, and must not be
      // taken for another writer's.
      await this.#patiently(() => this.refresh());
      if (this.#state.version < version) continue;
      if (await this.#patiently(() => this.#isOwn(version, id))) return { version, conflicts };
      conflicts += 1;
      if (conflicts > 2) await this.#host.pause(20 * conflicts);
    }
    throw new WindrowError(
      'LAKE_CONFLICT',
      `${maxConflicts} attempts to commit to ${this.#store.url(this.root)} came after another writer's: too many writers`,
      { retriable: true },
    );
  }

  /** The live files and the tombstones, at the log's end, with all that their actions hold. */
  async files(): Promise<Pick<TableState, 'adds' | 'removes' | 'version'>> {
    return readTableState(this.#store, this.root);
  }

  /** Whether the log's end names the paths (percent-encoded, as in `add.path`), as live files or as tombstones. */
  async named(paths: ReadonlySet<string>, sinceVersion: number): Promise<Set<string>> {
    const named = new Set<string>();
    const check = ({ add, remove }: Action) => {
      const path = add?.path ?? remove?.path;
      if (path !== undefined && paths.has(path)) named.add(path);
    };
    const { versions, gapless } = await commitsAfter(this.#store, this.root, sinceVersion);
    if (gapless) {
      for await (const { actions } of readCommits(this.#store, this.root, versions)) actions.forEach(check);
    } else {
      await replayLog(this.#store, this.root, ['add', 'remove'], check);
    }
    return named;
  }

  /** Writes a checkpoint when the newest one, whoever has written it, is 20 commits old. Its failure breaks nothing. */
  async checkpointWhenDue(): Promise<{ checkpointError?: unknown }> {
    const isDue = () => this.version - this.checkpointVersion >= commitsPerCheckpoint;
    try {
      if (isDue()) this.#knowCheckpoint((await lastCheckpoint(this.#store, this.root)) ?? -1);
      if (isDue()) await this.checkpoint();
      return {};
    } catch (checkpointError) {
      return { checkpointError };
    }
  }

  #knowCheckpoint(version: number): void {
    const checkpointVersion = Math.max(this.#state.checkpointVersion, version);
    this.#state = { ...this.#state, checkpointVersion };
  }

  /**
   * Writes a checkpoint of the log's end and points to it; then log entries go that are past the table's retention, a few of
   * them at a time. Writers that do so at once write the same.
   */
  async checkpoint(): Promise<void> {
    const table = await readTableState(this.#store, this.root);
    const { configuration } = this.#state.metaData;
    const nowMs = this.#host.nowMs();
    const keepTombstonesSinceMs = nowMs - tombstoneRetentionMs(configuration);
    const actions: StateAction[] = [
      { protocol: table.protocol ?? this.#state.protocol },
      { metaData: table.metaData ?? this.#state.metaData },
      ...[...table.txns.values()].map((txn) => ({ txn })),
      ...[...table.removes.values()]
        .filter((remove) => (remove.deletionTimestamp ?? 0) > keepTombstonesSinceMs)
        // Protocol: actions in a checkpoint are reconciled state, and change nothing.
        .map((remove) => ({ remove: { ...remove, dataChange: false } })),
      ...[...table.adds.values()].map((add) => ({ add: { ...add, dataChange: false } })),
    ];
    await failpoint('lake.checkpoint.beforePut');
    const bytes = writeCheckpoint(actions);
    await this.#store.put(checkpointKey(this.root, table.version), bytes);
    await failpoint('lake.checkpoint.beforePointer');
    const pointer = {
      version: table.version,
      size: actions.length,
      sizeInBytes: bytes.length,
      numOfAddFiles: table.adds.size,
    };
    await this.#store.put(lastCheckpointKey(this.root), new TextEncoder().encode(JSON.stringify(pointer)));
    this.#knowCheckpoint(table.version);
    await this.expire(expiredAtOnce);
  }

  /**
   * Deletes log entries that are past the table's retention, as far as a checkpoint makes them needless.
   * @returns how many objects were deleted
   */
  async expire(atMost?: number): Promise<number> {
    const cutMs = this.#host.nowMs() - logRetentionMs(this.#state.metaData.configuration);
    return cutMs === Number.NEGATIVE_INFINITY ? 0 : expireLog(this.#store, this.root, cutMs, atMost);
  }

  async #isOwn(version: number, id: string): Promise<boolean> {
    const key = commitKey(this.root, version);
    const bytes = await this.#store.get(key);
    if (!bytes) {
      throw new WindrowError(
        'S3_FAILED',
        `${this.#store.url(key)} was cleaned away before its writer could know whether it is its own: read the ledger again`,
        { retriable: true },
      );
    }
    return parseCommit(bytes, key).some(({ commitInfo }) => commitInfo?.txnId === id);
  }

  /** Versions are applied in order and once, also when two calls read the same ones. */
  #apply(version: number, actions: readonly Action[]): void {
    if (version !== this.#state.version + 1) return;
    this.#state = afterCommit(this.#state, version, actions, this.#store.url(this.root));
  }

  async #patiently<T>(call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (!isRetriable(error) || attempt >= maxUnknownAnswers) throw error;
        await this.#host.pause(100 * 2 ** attempt);
      }
    }
  }
}

function commitBytes(draft: Omit<Draft, 'step'>, id: string, timestampMs: number): Uint8Array {
  const commitInfo = {
    timestamp: timestampMs,
    operation: draft.operation,
    engineInfo,
    txnId: id,
    ...draft.info,
  };
  return serializeCommit([{ commitInfo }, ...draft.actions]);
}
