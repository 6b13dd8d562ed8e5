import type { AvroRegistry, StreamContract } from '@windrow/contracts';
import { createEncoder, type EncoderName, LakeTable, type ObjectStore } from '@windrow/lake';
import { type Broker, Watermark } from '@windrow/pipeline';
import { type Logger, type Readiness, type Registry, retryUntilReady } from '@windrow/runtime';
import { type Limits, SinkRunner, within } from '@windrow/sink';
import packageJson from '../package.json' with { type: 'json' };
import { ClaimChecks } from './claim-checks.ts';
import { Compaction } from './compaction.ts';
import { feedsOf } from './feeds.ts';
import { LakeDestination } from './lake-destination.ts';
import { showState, sinkMetrics } from './metrics.ts';
import { startSweeps } from './sweeps.ts';

/** The name under which the ledger lies in the Delta logs. */
const sinkName = 'lake';
/** A compaction that is being committed gets this long to end. */
const lastWordMs = 3_000;

export interface SinkOptions {
  contracts: StreamContract[];
  broker: Broker;
  schemas: AvroRegistry;
  store: ObjectStore;
  /** The consumer group. Its committed offsets show the lag; the ledger decides. */
  groupId: string;
  encoder: EncoderName;
  maxWindows: number;
  memoryBudgetBytes: number;
  limits: Limits;
  /** Without it, small files stay as they are. */
  compaction?: { latenessMs: number };
  metrics: Registry;
  readiness: Readiness;
  log: Logger;
  /** Ends the waiting of the start. */
  signal: AbortSignal;
  /** Called with an error that nobody can handle. */
  fail(error: unknown): void;
}

/** Lands every topic of the contracts in the lake. `stop` lands what was read and leaves the group. */
export async function startSink(options: SinkOptions): Promise<{ stop(): Promise<void> }> {
  const { broker, schemas, groupId, limits, readiness, log, signal, fail } = options;
  const metrics = sinkMetrics(options.metrics);
  /** By stream: of its raw and its enriched topic together. */
  const watermarks = new Map<string, Watermark>();
  const compaction =
    options.compaction && new Compaction({ ...options, ...options.compaction, sink: sinkName, metrics });
  const claimChecks = new ClaimChecks({ log, onLost: (error) => runner.restart(error) });
  const tables = await openTables(options);
  const destinations = tables.map(({ feed, table }) => {
    const watermark = watermarks.get(feed.stream) ?? new Watermark();
    watermarks.set(feed.stream, watermark);
    return new LakeDestination({
      ...{ feed, table, watermark, claimChecks, compaction, metrics, log },
      encoder: createEncoder(options.encoder),
      maxWindows: options.maxWindows,
    });
  });
  const runner = new SinkRunner({
    intake: 'recordBatches',
    destinations,
    // A Delta table takes one commit at a time.
    lanesPerTopic: 1,
    memoryBytes: options.memoryBudgetBytes,
    ...{ groupId, service: 'lake-sink', version: packageJson.version },
    ...{ broker, schemas, registry: options.metrics, limits, readiness, log, fail },
    metrics: { ...metrics, fillSeconds: metrics.seconds('fill') },
  });
  showState(options.metrics, () => ({
    watermarksMs: new Map([...watermarks].map(([stream, { timeMs }]) => [stream, timeMs])),
    heldBytes: runner.heldBytes,
  }));
  await runner.start(signal);
  const endSweeps = startSweeps(tables, log);
  claimChecks.start();
  compaction?.start();
  return {
    async stop() {
      endSweeps();
      claimChecks.stop();
      const compacting = compaction?.stop();
      await runner.stop();
      await within(lastWordMs, compacting);
    },
  };
}

/** Creates the tables that are missing, and adds the columns that they lack. Tries until the store answers. */
async function openTables({ contracts, schemas, store, readiness, log, signal }: SinkOptions) {
  const feeds = feedsOf(contracts, schemas, (topic, schemaId, reason) =>
    log.warn({ topic, schemaId, reason }, 'decoding value by value, which is slow'),
  );
  const tables = [];
  for (const feed of feeds) {
    const open = () => LakeTable.open(store, { path: feed.table, schema: feed.schema, sink: sinkName });
    const condition = `table ${feed.table}`;
    tables.push({ feed, table: await retryUntilReady(open, { condition, readiness, log, signal }) });
  }
  return tables;
}
