import { WindrowError } from '@windrow/runtime';
import { must } from '@windrow/runtime/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnBuffersFrom } from '../columns/testing/buffers-from-batch.ts';
import { DeltaLog } from '../delta/delta-log.ts';
import { type Epochs, TableCompactor } from '../maintenance/compactor.ts';
import { TableRestore } from '../maintenance/restore.ts';
import { smallFilesIn } from '../maintenance/small-files.ts';
import { condemnGarbage, deleteGarbage } from '../maintenance/vacuum.ts';
import { createEncoder } from '../parquet/encoders.ts';
import { type ColumnValue, ledgerColumns, type TableSchema } from '../table-schema.ts';
import { MemoryObjectStore, readTable, type StoreFaults, seededRandom } from '../testing/index.ts';
import { supersededIntentRetentionMs } from './intents.ts';
import { type Claim, LakeTable } from './lake-table.ts';
import { type LedgerRange, ownerAppId } from './positions.ts';
import { LedgerInvariants } from './testing/ledger-invariants.ts';
import type { PlannedFile } from './uploads.ts';

/**
 * Runs the protocol of model/ledger_model.py with the real code: writers claim, upload and commit, while others compact,
 * vacuum and restore. The store delays, loses and repeats requests, and processes are killed and stopped between any two
 * steps. The invariants are those of the model.
 */

const root = 'curated/track';
const schema: TableSchema = { columns: ledgerColumns };
const topic = 'track.enriched';
const partitions = [0, 1];
const encoder = createEncoder('columnar');

function openTable(world: MemoryObjectStore, client: string): Promise<LakeTable> {
  return LakeTable.open(world.client(client), { path: root, schema, sink: 'lake', host: world.host(client) });
}

function openCompactor(world: MemoryObjectStore, client: string): Promise<TableCompactor | undefined> {
  const orderBy = ['_partition', '_offset'];
  const options = { path: root, sink: 'lake', orderBy, encoder, host: world.host(client) };
  return TableCompactor.open(world.client(client), options);
}

/** The rows of the ranges, one per offset, in one or two files. */
function plannedFiles(ranges: LedgerRange[], random: () => number): PlannedFile[] {
  const rows = ranges.flatMap(({ partition, fromOffset, rows }) =>
    Array.from({ length: rows }, (_, at) => [topic, partition, fromOffset + at, 0]),
  );
  const cut = Math.floor(random() * rows.length);
  return [rows.slice(0, cut), rows.slice(cut)]
    .filter((part) => part.length > 0)
    .map((part) => ({
      partitionValues: { date: `2013-01-0${1 + Math.floor(random() * 2)}` },
      namePrefix: '20130101T0000',
      encode: () => {
        const columns = schema.columns.map((_, column) => part.map((row) => row[column] as ColumnValue));
        return encoder.encode({ buffers: columnBuffersFrom({ schema, rowCount: part.length, columns }) });
      },
    }));
}

async function compactAll(compactor: TableCompactor, epochs: Epochs): Promise<void> {
  const limits = { maxRows: 40, maxBytes: 1_000_000 };
  for (const small of smallFilesIn((await compactor.files()).values(), limits)) {
    await compactor.compact(small, epochs);
  }
}

/** Retries forever. Retriable errors may occur at any moment. */
async function again(work: () => Promise<void>): Promise<never> {
  for (;;) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof WindrowError && error.retriable)) throw error;
    }
  }
}

/** A sink that claims some partitions and commits a few micro-batches. The owner of partition 0 also compacts. */
const sink = (world: MemoryObjectStore, name: string, random: () => number, upkeep: boolean) =>
  again(async () => {
    const table = await openTable(world, name);
    let compacting: Promise<unknown> = Promise.resolve();
    const compact = async ({ epochs }: Claim) => {
      const appId = ownerAppId('lake', { topic, partition: 0 });
      const epoch = epochs.get(appId);
      const compactor = await openCompactor(world, name);
      if (epoch !== undefined && compactor) await compactAll(compactor, new Map([[appId, epoch]]));
    };
    for (;;) {
      const mine = partitions.filter(() => random() < 0.7);
      const claim = await table.claim(
        (mine.length > 0 ? mine : [0]).map((partition) => ({ topic, partition })),
      );
      if (upkeep) compacting = compacting.then(() => compact(claim));
      compacting.catch(() => undefined);
      let at = claim.positions;
      for (let batch = 0; batch < 1 + random() * 4; batch++) {
        const ranges: LedgerRange[] = at.map(({ partition, nextOffset }) => {
          const rows = 1 + Math.floor(random() * 3);
          return { topic, partition, fromOffset: nextOffset, nextOffset: nextOffset + rows, rows };
        });
        await table.commit(await table.upload(claim, plannedFiles(ranges, random)), ranges);
        await table.checkpointWhenDue();
        at = at.map((position, index) => ({ ...position, nextOffset: must(ranges[index]).nextOffset }));
      }
      await compacting;
    }
  });

const compactorByHand = (world: MemoryObjectStore, name: string) =>
  again(async () => {
    await rest(world, name);
    const compactor = await openCompactor(world, name);
    const epochs = await compactor?.claim();
    for (let round = 0; compactor && epochs && round < 5; round++) {
      await rest(world, name);
      await compactAll(compactor, epochs);
    }
  });

/** Gives other processes time to make progress. */
async function rest(world: MemoryObjectStore, name: string): Promise<void> {
  for (let pause = 0; pause < 10; pause++) await world.host(name).pause(0);
}

/** Without retention, since nobody reads older versions here. */
async function vacuum(world: MemoryObjectStore, name: string): Promise<void> {
  const store = world.client(name);
  const host = world.host(name);
  const log = await DeltaLog.open(store, root, host);
  const by = { sink: 'lake', host, cutMs: world.nowMs };
  if (log) await deleteGarbage(store, await condemnGarbage(store, log, by));
}

const vacuumByHand = (world: MemoryObjectStore, name: string) =>
  again(async () => {
    await rest(world, name);
    await openTable(world, name);
    await vacuum(world, name);
  });

/** Restores any earlier version of the table; Kafka still has all events. */
const restorerByHand = (world: MemoryObjectStore, name: string, random: () => number) =>
  again(async () => {
    await rest(world, name);
    const [store, host] = [world.client(name), world.host(name)];
    const newest = (await DeltaLog.open(store, root, host))?.version ?? 0;
    const version = Math.max(0, newest - Math.floor(random() * 8));
    try {
      const restore = await TableRestore.prepare(store, { path: root, sink: 'lake', version, host });
      await rest(world, name);
      await restore?.commit(new Map([[topic, new Map(partitions.map((partition) => [partition, 0]))]]));
    } catch (error) {
      if (!(error instanceof WindrowError && error.code === 'RESTORE_REFUSED')) throw error;
    }
  });

async function play(seed: number, faults: StoreFaults, upkeep: boolean) {
  const random = seededRandom(seed);
  const world = new MemoryObjectStore(seed, faults);
  const invariants = new LedgerInvariants(root, topic);
  const running: string[] = [];
  let failure: unknown;
  let born = 0;
  const spawn = () => {
    born += 1;
    const roles = upkeep ? ['sink', 'compactor', 'restorer', 'sink', 'vacuum'] : ['sink'];
    const role = must(roles[born % roles.length]);
    const name = `${role}-${born}`;
    running.push(name);
    const work = { compactor: compactorByHand, restorer: restorerByHand, vacuum: vacuumByHand }[role];
    const own = seededRandom(seed + born);
    (work ? work(world, name, own) : sink(world, name, own, upkeep)).catch((error) => {
      failure = error;
    });
  };
  for (let i = 0; i < (upkeep ? 5 : 3); i++) spawn();
  const stopped = new Map<string, number>();
  const steps = (upkeep ? 5_000 : 300) + Math.floor(random() * 1_500);
  for (let step = 0; step < steps; step++) {
    await world.step();
    // Superseded intents are deleted in time; vacuum deletes later ones.
    if (upkeep) world.nowMs += 8_000;
    if (failure) throw failure;
    for (const [name, until] of stopped) {
      if (until > step) continue;
      world.resume(name);
      stopped.delete(name);
    }
    const name = must(running[Math.floor(random() * running.length)]);
    // With maintenance, each step of the protocol makes more requests to the store.
    const fate = random() * (upkeep ? 3 : 1);
    if (fate < 0.004) {
      world.kill(name);
      running.splice(running.indexOf(name), 1);
    } else if (fate < 0.012) {
      world.stop(name);
      stopped.set(name, step + 20 + Math.floor(random() * 300));
    }
    if (running.length < (upkeep ? 5 : 2) || fate > (upkeep ? 2.998 : 0.998)) spawn();
    invariants.check(world);
  }

  // At the end all processes die, the network delivers the pending requests, and one process takes over all partitions twice.
  for (const name of running) world.kill(name);
  while (await world.step()) invariants.check(world);
  world.faults = { lostRequests: 0, lostAnswers: 0, lateRequests: 0, repeatedRequests: 0 };
  const last = await world.runUntil(openTable(world, 'last'));
  const compactor = await world.runUntil(openCompactor(world, 'last'));
  for (let round = 0; round < 2; round++) {
    await world.runUntil(last.claim(partitions.map((partition) => ({ topic, partition }))));
    if (upkeep) await world.runUntil(must(compactor).claim());
    world.nowMs += supersededIntentRetentionMs + 1;
  }
  invariants.check(world);
  await world.runUntil(last.sweep());
  if (upkeep) await world.runUntil(vacuum(world, 'last'));
  const keys = [...world.objects.keys()].sort();
  const files = keys.filter((key) => key.endsWith('.parquet') && !key.includes('/_delta_log/'));
  expect(files, 'files are those that the log names').toEqual([...invariants.live.keys()].sort());
  if (!upkeep) expect(invariants.live.size, 'files that were ever named').toBe(invariants.named.size);
  expect(
    keys.filter((key) => key.includes('/_windrow/')),
    'intents left',
  ).toEqual([]);
  const { rows } = await world.runUntil(readTable(world.client('last'), root));
  const places = rows.map(({ _partition, _offset }) => `${_partition}/${_offset}`);
  expect(places.sort(), 'each row is there once').toEqual(invariants.places.sort());
  const { commits, compactions, restores, revivals } = invariants;
  return { trace: keys.join('\n'), commits, compactions, restores, revivals };
}

const runs = Number(process.env.PROPERTY_RUNS ?? 40);
const faults: StoreFaults = {
  lostRequests: 0.01,
  lostAnswers: 0.02,
  lateRequests: 0.01,
  repeatedRequests: 0.02,
};

describe.each([
  ['alone', false],
  ['with compaction, vacuum and restores beside it', true],
])('the ledger protocol over a store that fails, %s', (_, upkeep) => {
  it('keeps the invariants of the model in random interleavings', {
    timeout: 120_000 + runs * 2_000,
  }, async () => {
    const numRuns = upkeep ? Math.ceil(runs / 4) : runs;
    let commits = 0;
    let compactions = 0;
    let restores = 0;
    let revivals = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const played = await play(seed, faults, upkeep);
        commits += played.commits;
        compactions += played.compactions;
        restores += played.restores;
        revivals += played.revivals;
      }),
      { numRuns, seed: Number(process.env.PROPERTY_SEED ?? 1), endOnFailure: true },
    );
    expect(commits, 'micro-batches that landed').toBeGreaterThan(numRuns * 5);
    if (!upkeep) return;
    expect(compactions, 'compactions').toBeGreaterThan(numRuns);
    expect(restores, 'restores').toBeGreaterThan(numRuns);
    expect(revivals, 'restores that brought files back').toBeGreaterThan(0);
  });

  it('is the same run for the same seed', async () => {
    const first = await play(7, faults, upkeep);
    const second = await play(7, faults, upkeep);
    expect(second.trace).toBe(first.trace);
  });
});
