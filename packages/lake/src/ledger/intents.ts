import { failpoint, WindrowError } from '@windrow/runtime';
import type { DeltaLog } from '../delta/delta-log.ts';
import type { Host } from '../host.ts';
import type { ObjectStore } from '../object-store.ts';

/** Written before its files are uploaded, so that whoever takes over can find what a crash has left behind. */
interface Intent {
  /** `add.path` of each file. */
  paths: string[];
  /** The writer's claim: owner app id → epoch. */
  owners: Record<string, number>;
  /** The log's version then: only later commits can name the files. */
  sinceVersion: number;
  /** When a sweep first saw that a newer owner is there. */
  supersededAtMs?: number;
}

/** A process that was stopped may still finish an upload that was under way: its intent is kept for this long. */
export const supersededIntentRetentionMs = 3_600_000;

/**
 * Intents are JSON objects in `_windrow/intents/` under the table's root; engines ignore folders that begin with an
 * underscore.
 */
export class Intents {
  readonly #store: ObjectStore;
  readonly #root: string;
  readonly #host: Host;

  constructor(store: ObjectStore, root: string, host: Host) {
    this.#store = store;
    this.#root = root;
    this.#host = host;
  }

  /** @returns the intent's key */
  async write(intent: Omit<Intent, 'supersededAtMs'>): Promise<string> {
    const key = `${this.#prefix}${this.#host.newId()}.json`;
    await failpoint('lake.intent.beforePut');
    await this.#put(key, intent);
    await failpoint('lake.intent.afterPut');
    return key;
  }

  /**
   * Deletes the files of superseded intents that no commit names: that a newer owner has committed its claim makes it
   * impossible that they are ever committed. The intents themselves go an hour after that was first seen.
   * @returns how many files were deleted, or were found to be gone already
   */
  async sweep(log: DeltaLog): Promise<{ unnamedFiles: number; intents: number }> {
    const superseded: { key: string; intent: Intent }[] = [];
    for await (const { key } of this.#store.list({ prefix: this.#prefix })) {
      const intent = await this.#read(key);
      if (intent && isSuperseded(intent, log.txns)) superseded.push({ key, intent });
    }
    if (superseded.length === 0) return { unnamedFiles: 0, intents: 0 };

    // Up to the log's very end, where a file may have been named since `log` was read.
    const paths = new Set(superseded.flatMap(({ intent }) => intent.paths));
    const named = await log.named(paths, Math.min(...superseded.map(({ intent }) => intent.sinceVersion)));
    let unnamedFiles = 0;
    let intents = 0;
    for (const { key, intent } of superseded) {
      for (const path of intent.paths) {
        if (named.has(path)) continue;
        await failpoint('lake.sweep.beforeDelete');
        await this.#store.delete(fileKey(this.#root, path));
        unnamedFiles += 1;
      }
      const nowMs = this.#host.nowMs();
      if (intent.supersededAtMs === undefined) {
        await this.#put(key, { ...intent, supersededAtMs: nowMs });
      } else if (nowMs - intent.supersededAtMs > supersededIntentRetentionMs) {
        await this.#store.delete(key);
        intents += 1;
      }
    }
    return { unnamedFiles, intents };
  }

  /** All files that any intent lists, also a superseded one. */
  async paths(): Promise<Set<string>> {
    const paths = new Set<string>();
    for await (const { key } of this.#store.list({ prefix: this.#prefix })) {
      for (const path of (await this.#read(key))?.paths ?? []) paths.add(path);
    }
    return paths;
  }

  get #prefix(): string {
    return `${this.#root}/_windrow/intents/`;
  }

  async #put(key: string, intent: Intent): Promise<void> {
    await this.#store.put(key, new TextEncoder().encode(JSON.stringify(intent)));
  }

  /** Undefined when its writer has removed it meanwhile. */
  async #read(key: string): Promise<Intent | undefined> {
    const bytes = await this.#store.get(key);
    if (!bytes) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as Intent;
    } catch (cause) {
      throw new WindrowError(
        'LAKE_LOG_INVALID',
        `${this.#store.url(key)} is no intent: something else wrote it; move it away`,
        { cause },
      );
    }
  }
}

function isSuperseded(intent: Intent, txns: ReadonlyMap<string, number>): boolean {
  return Object.entries(intent.owners).some(([appId, epoch]) => (txns.get(appId) ?? 0) > epoch);
}

/** The object of a file that an `add` names: its path is a URI. */
export function fileKey(root: string, path: string): string {
  return `${root}/${decodeURIComponent(path)}`;
}
