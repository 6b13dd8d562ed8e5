import { must } from '@windrow/runtime/testing';
import { expect } from 'vitest';
import { parseCommit } from '../../delta/actions.ts';
import { rowsOf } from '../../delta/live-files.ts';
import { commitKey } from '../../delta/log-paths.ts';
import type { MemoryObjectStore } from '../../testing/index.ts';
import { fileKey } from '../intents.ts';
import type { LedgerPosition, LedgerRange } from '../positions.ts';

/** Follows a table's log commit by commit and checks the invariants of every version. */
export class LedgerInvariants {
  readonly named = new Set<string>();
  /** Key of each live file → its rows. */
  readonly live = new Map<string, number>();
  readonly #next = new Map<string, number>();
  readonly #rows = new Map<string, number>();
  readonly #epochs = new Map<string, number>();
  readonly #root: string;
  readonly #topic: string;
  #version = 0;
  commits = 0;
  compactions = 0;
  restores = 0;
  /** The restores that brought back a removed file. */
  revivals = 0;

  constructor(root: string, topic: string) {
    this.#root = root;
    this.#topic = topic;
  }

  check(world: MemoryObjectStore): void {
    for (;;) {
      const commit = world.objects.get(commitKey(this.#root, this.#version));
      if (!commit) break;
      this.#follow(parseCommit(commit.bytes, `version ${this.#version}`));
      this.#version += 1;
    }
    for (const key of this.live.keys())
      expect(world.objects.has(key), `live file ${key} is there`).toBe(true);
  }

  #follow(actions: ReturnType<typeof parseCommit>): void {
    const { operation, windrow = {} } = must(must(actions[0]).commitInfo);
    const { ranges = [], positions = [] } = windrow as {
      ranges?: LedgerRange[];
      positions?: LedgerPosition[];
    };
    for (const { partition, nextOffset, rows } of positions) {
      const appId = `lake:${this.#topic}:${partition}`;
      this.#next.set(appId, nextOffset);
      this.#rows.set(`${appId}#rows`, rows);
    }
    for (const { partition, fromOffset, nextOffset, rows } of ranges) {
      const appId = `lake:${this.#topic}:${partition}`;
      expect(fromOffset, `start of a range of partition ${partition}`).toBe(this.#next.get(appId) ?? 0);
      this.#next.set(appId, nextOffset);
      this.#rows.set(`${appId}#rows`, (this.#rows.get(`${appId}#rows`) ?? 0) + rows);
      this.commits += 1;
    }
    let removedRows = 0;
    let addedRows = 0;
    for (const { txn, add, remove } of actions) {
      if (txn?.appId.endsWith('#owner')) {
        expect(txn.version, 'epoch').toBe((this.#epochs.get(txn.appId) ?? 0) + 1);
        this.#epochs.set(txn.appId, txn.version);
      }
      if (remove) {
        const key = fileKey(this.#root, remove.path);
        expect(this.live.has(key), `removed file ${key} was live`).toBe(true);
        removedRows += must(this.live.get(key));
        this.live.delete(key);
      }
      if (add) {
        const key = fileKey(this.#root, add.path);
        this.named.add(key);
        this.live.set(key, must(rowsOf(must(add.stats))));
        addedRows += must(rowsOf(must(add.stats)));
      }
      if (txn && this.#rows.has(txn.appId)) expect(txn.version).toBe(this.#rows.get(txn.appId));
      if (txn && this.#next.has(txn.appId)) expect(txn.version).toBe(this.#next.get(txn.appId));
    }
    const rows = (counts: Map<string, number>) => [...counts.values()].reduce((sum, n) => sum + n, 0);
    expect(rows(this.live), 'rows of the live files').toBe(rows(this.#rows));
    if (operation === 'RESTORE') {
      this.restores += 1;
      if (actions.some(({ add }) => add)) this.revivals += 1;
    }
    if (operation !== 'OPTIMIZE') return;
    this.compactions += 1;
    expect(addedRows, 'rows of a compaction').toBe(removedRows);
    expect(actions.some(({ txn }) => txn)).toBe(false);
  }

  /** Each committed offset, once. */
  get places(): string[] {
    return [...this.#next].flatMap(([appId, next]) => {
      const partition = appId.split(':').at(-1);
      return Array.from({ length: next }, (_, offset) => `${partition}/${offset}`);
    });
  }
}
