import { failpoint, WindrowError } from '@windrow/runtime';
import type { DeltaLog } from '../delta/delta-log.ts';
import type { Host } from '../host.ts';
import type { ObjectStore } from '../object-store.ts';

/** Written before its files are uploaded, so that the next owner finds the files that a crash has left. */
interface Intent {
  /** `add.path` of each file. */
  paths: string[];
  /** The writer's claim: owner app id → epoch. */
  owners: Record<string, number>;
  /** The log's version at that time: only later commits can contain the files. */
  sinceVersion: number;
  /** When a sweep first saw a newer owner. */
  supersededAtMs?: number;
}

/** A suspended process may still finish an upload, so its intent is kept for this long. */
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
   * Deletes the uncommitted files of superseded intents: after the claim of a newer owner they can never be committed. It deletes
   * the intents themselves an hour after it has first seen the newer owner.
   * @returns how many files were deleted or no longer existed, and how many intents were deleted
   */
  async sweep(log: DeltaLog): Promise<{ unnamedFiles: number; intents: number }> {
    const superseded: { key: string; intent: Intent }[] = [];
    for await (const { key } of this.#store.list({ prefix: this.#prefix })) {
      const intent = await this.#read(key);
      if (intent && isSuperseded(intent, log.txns)) superseded.push({ key, intent });
    }
    if (superseded.length === 0) return { unnamedFiles: 0, intents: 0 };

    // Reads up to the latest version, because files may have been committed since `log` was read.
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

  /** The files of all intents, also of superseded ones. */
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

  /** Undefined when its writer has deleted it meanwhile. */
  async #read(key: string): Promise<Intent | undefined> {
    const bytes = await this.#store.get(key);
    if (!bytes) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as Intent;
    } catch (cause) {
      throw new WindrowError(
        'LAKE_LOG_INVALID',
        `${this.#store.url(key)} is not an intent of Windrow: move it away`,
        { cause },
      );
    }
  }
}

function isSuperseded(intent: Intent, txns: ReadonlyMap<string, number>): boolean {
  return Object.entries(intent.owners).some(([appId, epoch]) => (txns.get(appId) ?? 0) > epoch);
}

/** The object key for the path of an `add` action, which is a percent-encoded URI. */
export function fileKey(root: string, path: string): string {
  return `${root}/${decodeURIComponent(path)}`;
}
