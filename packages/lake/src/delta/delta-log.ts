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

/** The content of a commit, made from the table's state before it. */
export interface Draft {
  /** Its failpoints are `lake.<step>.beforePut` and `.afterPut`. */
  step: 'claim' | 'commit' | 'compaction' | 'replay' | 'restore' | 'schema';
  /** Shown in the table's history. */
  operation: string;
  /** Added to the commit's commitInfo. */
  info?: Record<string, unknown>;
  actions: Action[];
}

export interface Appended {
  version: number;
  /** How often another writer has committed the version first. */
  conflicts: number;
}

const engineInfo = 'windrow/0.1.0';
const commitsPerCheckpoint = 20;
const maxConflicts = 200;
const maxUnknownAnswers = 8;

/**
 * The log of a Delta table, as seen by one process: it holds the table's state at `version`. `refresh` reads newer commits,
 * `append` commits. It keeps the list of live files in memory only when opened with `withFiles`; `files` reads it from the log.
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
   * @param options `withFiles` keeps the live files in memory
   * @returns undefined when there is no table at `root`
   * @throws WindrowError LAKE_LOG_INVALID, also for a table that requires an unsupported feature; S3_FAILED
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

  /** Commits version 0. It is no error when another writer has done so before: the caller opens that table. */
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

  /** The version of the newest checkpoint that this object has read or written; −1 for none. */
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

  /** The live files at `version`, by path. The log must have been opened with `withFiles`. */
  get liveFiles(): ReadonlyMap<string, LiveFile> {
    if (!this.#state.files) throw new TypeError(`the log of ${this.root} was opened without its files`);
    return this.#state.files;
  }

  /** Reads the commits after `version`. */
  async refresh(): Promise<void> {
    const from = this.#state.version;
    const { versions, gapless } = await commitsAfter(this.#store, this.root, from);
    if (!gapless) {
      // Commits after our version have expired, and a newer checkpoint replaces them.
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
   * Commits the draft as the next version. When another writer has committed that version first, it reads the new commits and
   * calls `draft` again. So a draft that depends on the state checks it, and throws when its condition no longer holds; then
   * nothing is committed. When a PUT gets no response, it reads that version back and compares the commit's id.
   * @throws the error of `draft`: nothing was and nothing will be committed. S3_FAILED, retriable: **the outcome is unknown, the
   * commit may exist or may still appear**; only a later commit of any writer settles it. LAKE_CONFLICT, retriable: other
   * writers won every attempt.
   */
  async append(draft: () => Draft): Promise<Appended> {
    const id = this.#host.newId();
    let unknownAnswers = 0;
    // Makes sure that the log still exists, and that its commits haven't expired while this process was suspended.
    await this.#retried(() => this.refresh());
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
      // Refresh before comparing the ids: a delayed PUT of our own may arrive at any moment, and must not be mistaken for
      // another writer's commit.
      await this.#retried(() => this.refresh());
      if (this.#state.version < version) continue;
      if (await this.#retried(() => this.#isOwn(version, id))) return { version, conflicts };
      conflicts += 1;
      if (conflicts > 2) await this.#host.pause(20 * conflicts);
    }
    throw new WindrowError(
      'LAKE_CONFLICT',
      `${maxConflicts} attempts to commit to ${this.#store.url(this.root)} lost against other writers: reduce the number of writers`,
      { retriable: true },
    );
  }

  /** The live files and the tombstones at the latest version, with their complete actions. */
  async files(): Promise<Pick<TableState, 'adds' | 'removes' | 'version'>> {
    return readTableState(this.#store, this.root);
  }

  /** Those of the paths (percent-encoded, as in `add.path`) that the log has as live files or tombstones, up to the latest version. */
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

  /** Writes a checkpoint when the newest one of any writer is 20 commits old. A failure does no harm. */
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
   * Writes a checkpoint of the latest version and the pointer to it, then deletes some of the log entries that are older than
   * the table's retention. Concurrent writers write the same checkpoint.
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
   * Deletes log entries that are older than the table's retention and that a checkpoint replaces.
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
        `${this.#store.url(key)} expired before its writer could find out whether the commit is its own: read the ledger again`,
        { retriable: true },
      );
    }
    return parseCommit(bytes, key).some(({ commitInfo }) => commitInfo?.txnId === id);
  }

  /** Applies each version once and in order, also when concurrent calls have read the same commits. */
  #apply(version: number, actions: readonly Action[]): void {
    if (version !== this.#state.version + 1) return;
    this.#state = afterCommit(this.#state, version, actions, this.#store.url(this.root));
  }

  /** Repeats a read that failed with a retriable error, a bounded number of times. */
  async #retried<T>(call: () => Promise<T>): Promise<T> {
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
