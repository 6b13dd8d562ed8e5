/**
 * Measures whether a long log slows down commits. Two tables on the same S3, with few and with many commits, take turns.
 *   S3_ENDPOINT=… node tests/bench/commits.ts [commits in the long log]
 */

import { enrichedSchema, loadStreams, streamNamed } from '@windrow/contracts';
import { type FileStats, LakeTable, type ObjectStore, tableSchemaFromAvro } from '@windrow/lake';
import { createTestBucket } from '@windrow/lake/testing';
import { must } from '@windrow/runtime/testing';
import { ReportWriter } from './report.ts';

const [longLog = 10_000] = process.argv.slice(2).map(Number);
/** Several times the distance between two checkpoints. */
const measuredCommits = 200;
const turnCommits = 20;
const putsAtOnce = 16;
const partition = { topic: 'track.enriched', partition: 0 };

const contracts = await loadStreams();
const schema = tableSchemaFromAvro(enrichedSchema(streamNamed(contracts, 'track'), contracts));
const { store } = await createTestBucket(process.env as Record<string, string>);
const report = new ReportWriter({
  table: 'commits',
  title: `Commits to a log with ${longLog.toLocaleString('en')} of them, ${measuredCommits} measured`,
  columns: [
    { name: 'table' },
    { name: 'mean', unit: 'ms', digits: 1 },
    { name: 'half within', unit: 'ms', digits: 1 },
    { name: 'mean, × the short log', digits: 2 },
    { name: 'a checkpoint', unit: 'ms' },
  ],
});

/** As many statistics as a file of track events has. Nobody reads the file itself. */
const stats: FileStats = {
  numRecords: 5,
  minValues: Object.fromEntries(schema.columns.map(({ name }) => [name, `${name} at the least`])),
  maxValues: Object.fromEntries(schema.columns.map(({ name }) => [name, `${name} at the most`])),
  nullCount: Object.fromEntries(schema.columns.map(({ name }) => [name, 0])),
};

class GrowingTable {
  readonly path: string;
  readonly tookMs: number[] = [];
  checkpointsMs = 0;
  readonly #table: LakeTable;
  readonly #claim: Awaited<ReturnType<LakeTable['claim']>>;
  #next: number;

  private constructor(path: string, table: LakeTable, claim: Awaited<ReturnType<LakeTable['claim']>>) {
    this.path = path;
    this.#table = table;
    this.#claim = claim;
    this.#next = must(claim.positions[0]).nextOffset;
  }

  static async open(path: string): Promise<GrowingTable> {
    const table = await LakeTable.open(store, { path, schema, sink: 'lake' });
    return new GrowingTable(path, table, await table.claim([partition]));
  }

  async commit(): Promise<void> {
    const file = { partitionValues: { date: '2026-01-15' }, namePrefix: 'bench' };
    const encode = async () => ({ bytes: new Uint8Array(2_000), stats });
    const upload = await this.#table.upload(this.#claim, [{ ...file, encode }]);
    const [fromOffset, nextOffset] = [this.#next, this.#next + 5];
    const startedMs = performance.now();
    await this.#table.commit(upload, [{ ...partition, fromOffset, nextOffset, rows: 5 }]);
    const committedMs = performance.now();
    this.tookMs.push(committedMs - startedMs);
    const { checkpointError } = await this.#table.checkpointWhenDue();
    if (checkpointError) throw checkpointError;
    this.checkpointsMs += performance.now() - committedMs;
    this.#next = nextOffset;
  }
}

/** Repeats the last commit of a table's log with a new file each time, as fast as S3 accepts it. */
async function lengthen(bucket: ObjectStore, path: string, commits: number): Promise<void> {
  const keyOf = (version: number) => `${path}/_delta_log/${String(version).padStart(20, '0')}.json`;
  let last = 0;
  for await (const { key } of bucket.list({ prefix: `${path}/_delta_log/` }))
    last = Math.max(last, Number(/(\d{20})\.json$/.exec(key)?.[1] ?? 0));
  const text = Buffer.from(must(await bucket.get(keyOf(last)))).toString();
  const end = last + commits;
  let version = last + 1;
  const put = async () => {
    for (let own = version++; own <= end; own = version++)
      await bucket.put(keyOf(own), Buffer.from(text.replace(/\/bench/, `/bench-${own}`)));
  };
  await Promise.all(Array.from({ length: putsAtOnce }, put));
}

const short = await GrowingTable.open('short');
await (await GrowingTable.open('long')).commit();
await lengthen(store, 'long', longLog);
report.progress(`the long log has ${longLog} commits`);
const long = await GrowingTable.open('long');
// Warms up the code and writes the first checkpoint of the long log.
for (const table of [short, long]) for (let index = 0; index < turnCommits; index++) await table.commit();
for (const table of [short, long]) {
  table.tookMs.length = 0;
  table.checkpointsMs = 0;
}
report.progress('warm');
while (long.tookMs.length < measuredCommits)
  for (const table of [short, long]) for (let index = 0; index < turnCommits; index++) await table.commit();

const mean = ({ tookMs }: GrowingTable) => tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length;
const median = ({ tookMs }: GrowingTable) => must([...tookMs].sort((a, b) => a - b)[tookMs.length >> 1]);
const checkpointMs = ({ checkpointsMs, tookMs }: GrowingTable) =>
  checkpointsMs / (tookMs.length / turnCommits);
report.add(['short log', mean(short), median(short), 1, checkpointMs(short)]);
const name = `log of ${longLog.toLocaleString('en')}`;
report.add([name, mean(long), median(long), mean(long) / mean(short), checkpointMs(long)]);
report.note(
  'A checkpoint is written every 20 commits. The sink goes on while it is; here it is waited for, and measured by itself. Both tables are written by the same process in turns.',
);
report.close();
store.close();
