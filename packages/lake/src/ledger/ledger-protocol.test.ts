import { WindrowError } from '@windrow/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCommit } from '../delta/actions.ts';
import { commitKey } from '../delta/log-paths.ts';
import type { TableSchema } from '../table-schema.ts';
import { MemoryObjectStore, type StoreFaults, seededRandom } from '../testing/index.ts';
import { fileKey, supersededIntentRetentionMs } from './intents.ts';
import { LakeTable } from './lake-table.ts';
import type { LedgerRange } from './positions.ts';
import type { PlannedFile } from './uploads.ts';

/**
 * The protocol of model/ledger_model.py played with the real code: writers that claim, upload and commit, over a store that
 * delays, loses and repeats, with kills and stops between any two of its steps. The invariants are the model's.
 */

const root = 'curated/track';
const schema: TableSchema = { columns: [{ name: 'n', type: 'long', nullable: true }] };
const topic = 'track.enriched';
const partitions = [0, 1];

function openTable(world: MemoryObjectStore, client: string): Promise<LakeTable> {
  return LakeTable.open(world.client(client), { path: root, schema, sink: 'lake', host: world.host(client) });
}

function plannedFile(random: () => number): PlannedFile {
  return {
    partitionValues: { date: `2013-01-0${1 + Math.floor(random() * 3)}` },
    namePrefix: 'w',
    encode: async () => ({
      bytes: new Uint8Array(3),
      stats: { numRecords: 1, minValues: {}, maxValues: {}, nullCount: {} },
    }),
  };
}

/** One sink process: for ever claims some partitions and commits a few micro-batches; after an error it claims again. */
async function sinkProcess(world: MemoryObjectStore, name: string, random: () => number): Promise<never> {
  for (;;) {
    try {
      const table = await openTable(world, name);
      for (;;) {
        const mine = partitions.filter(() => random() < 0.7);
        const claim = await table.claim(
          (mine.length > 0 ? mine : [0]).map((partition) => ({ topic, partition })),
        );
        let at = claim.positions;
        for (let batch = 0; batch < 1 + random() * 4; batch++) {
          const ranges: LedgerRange[] = at.map(({ partition, nextOffset }) => {
            const rows = 1 + Math.floor(random() * 3);
            return { topic, partition, fromOffset: nextOffset, nextOffset: nextOffset + rows, rows };
          });
          const files = Array.from({ length: 1 + Math.floor(random() * 2) }, () => plannedFile(random));
          await table.commit(await table.upload(claim, files), ranges);
          at = at.map((position, index) => ({ ...position, nextOffset: ranges[index]!.nextOffset }));
        }
      }
    } catch (error) {
      if (!(error instanceof WindrowError && error.retriable)) throw error;
    }
  }
}

/** Follows the log commit by commit and checks what must hold at every moment. */
class Invariants {
  readonly named = new Set<string>();
  readonly #next = new Map<string, number>();
  readonly #rows = new Map<string, number>();
  #version = 0;
  commits = 0;

  check(world: MemoryObjectStore): void {
    for (;;) {
      const commit = world.objects.get(commitKey(root, this.#version));
      if (!commit) break;
      this.#follow(parseCommit(commit.bytes, `version ${this.#version}`));
      this.#version += 1;
    }
    for (const key of this.named) expect(world.objects.has(key), `committed file ${key} is there`).toBe(true);
  }

  #follow(actions: ReturnType<typeof parseCommit>): void {
    const windrow = actions[0]!.commitInfo!.windrow as { ranges: LedgerRange[] } | undefined;
    for (const { partition, fromOffset, nextOffset, rows } of windrow?.ranges ?? []) {
      const appId = `lake:${topic}:${partition}`;
      expect(fromOffset, `start of a range of partition ${partition}`).toBe(this.#next.get(appId) ?? 0);
      this.#next.set(appId, nextOffset);
      this.#rows.set(`${appId}#rows`, (this.#rows.get(`${appId}#rows`) ?? 0) + rows);
      this.commits += 1;
    }
    for (const { txn, add } of actions) {
      if (add) this.named.add(fileKey(root, add.path));
      if (txn && this.#rows.has(txn.appId)) expect(txn.version).toBe(this.#rows.get(txn.appId));
      if (txn && this.#next.has(txn.appId)) expect(txn.version).toBe(this.#next.get(txn.appId));
    }
  }
}

async function play(seed: number, faults: StoreFaults): Promise<{ trace: string; commits: number }> {
  const random = seededRandom(seed);
  const world = new MemoryObjectStore(seed, faults);
  const invariants = new Invariants();
  const running: string[] = [];
  let failure: unknown;
  let born = 0;
  const spawn = () => {
    born += 1;
    const name = `sink-${born}`;
    running.push(name);
    sinkProcess(world, name, seededRandom(seed + born)).catch((error) => {
      failure = error;
    });
  };
  for (let i = 0; i < 3; i++) spawn();
  const stopped = new Map<string, number>();
  const steps = 300 + Math.floor(random() * 1_500);
  for (let step = 0; step < steps; step++) {
    await world.step();
    if (failure) throw failure;
    for (const [name, until] of stopped) {
      if (until > step) continue;
      world.resume(name);
      stopped.delete(name);
    }
    const name = running[Math.floor(random() * running.length)]!;
    const fate = random();
    if (fate < 0.004) {
      world.kill(name);
      running.splice(running.indexOf(name), 1);
    } else if (fate < 0.012) {
      world.stop(name);
      stopped.set(name, step + 20 + Math.floor(random() * 300));
    }
    if (running.length < 2 || fate > 0.998) spawn();
    invariants.check(world);
  }

  // A quiet end: all die, the network drains, and one takes everything over, twice.
  for (const name of running) world.kill(name);
  while (await world.step()) invariants.check(world);
  world.faults = { lostRequests: 0, lostAnswers: 0, lateRequests: 0, repeatedRequests: 0 };
  const last = await world.runUntil(openTable(world, 'last'));
  for (let round = 0; round < 2; round++) {
    await world.runUntil(last.claim(partitions.map((partition) => ({ topic, partition }))));
    world.nowMs += supersededIntentRetentionMs + 1;
  }
  invariants.check(world);
  await world.runUntil(last.sweep());
  const keys = [...world.objects.keys()].sort();
  const files = keys.filter((key) => key.endsWith('.parquet') && !key.includes('/_delta_log/'));
  expect(files, 'files are those that commits name').toEqual([...invariants.named].sort());
  expect(
    keys.filter((key) => key.includes('/_windrow/')),
    'intents left',
  ).toEqual([]);
  return { trace: keys.join('\n'), commits: invariants.commits };
}

const runs = Number(process.env.PROPERTY_RUNS ?? 40);

describe('the ledger protocol over a store that fails', () => {
  const faults: StoreFaults = {
    lostRequests: 0.01,
    lostAnswers: 0.02,
    lateRequests: 0.01,
    repeatedRequests: 0.02,
  };

  it('keeps the invariants of the model in random interleavings', {
    timeout: 120_000 + runs * 1_000,
  }, async () => {
    let commits = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        commits += (await play(seed, faults)).commits;
      }),
      { numRuns: runs, seed: Number(process.env.PROPERTY_SEED ?? 1), endOnFailure: true },
    );
    expect(commits, 'micro-batches that landed').toBeGreaterThan(runs * 5);
  });

  it('is the same run for the same seed', async () => {
    const first = await play(7, faults);
    const second = await play(7, faults);
    expect(second.trace).toBe(first.trace);
  });
});
