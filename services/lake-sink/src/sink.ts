import type { AvroRegistry, StreamContract } from '@windrow/contracts';
import {
  createEncoder,
  type EncoderName,
  hasNestedColumns,
  LakeTable,
  type ObjectStore,
  withTextColumns,
} from '@windrow/lake';
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

/** The name of the sink in the ledgers of the Delta logs. */
const sinkName = 'lake';
/** How long a stop waits for a compaction that is being committed. */
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
  /** Without it, small files are not compacted. */
  compaction?: { latenessMs: number };
  metrics: Registry;
  readiness: Readiness;
  log: Logger;
  /** Stops the start while it waits for Kafka or the store. */
  signal: AbortSignal;
  /** Called with an error that nobody can handle. */
  fail(error: unknown): void;
}

/** Writes every topic of the contracts to the lake. `stop` commits the events that were read and leaves the group. */
export async function startSink(options: SinkOptions): Promise<{ stop(): Promise<void> }> {
  const { broker, schemas, groupId, limits, readiness, log, signal, fail } = options;
  const metrics = sinkMetrics(options.metrics);
  /** One watermark for each stream, for its raw and its enriched topic together. */
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

/** Creates missing tables and adds missing columns. It retries until the store answers. */
async function openTables(options: SinkOptions) {
  const { contracts, schemas, store, encoder, readiness, log, signal } = options;
  const feeds = feedsOf(contracts, schemas, (topic, schemaId, reason) =>
    log.warn({ topic, schemaId, reason }, 'this schema has no fast decoder; decoding value by value'),
  );
  const tables = [];
  for (const planned of feeds) {
    const { table: path } = planned;
    const schema = hasNestedColumns(encoder) ? planned.schema : withTextColumns(planned.schema);
    const open = () => LakeTable.open(store, { path, schema, sink: sinkName });
    const condition = `table ${path}`;
    const table = await retryUntilReady(open, { condition, readiness, log, signal });
    tables.push({ feed: planned.into(table.schema), table });
  }
  return tables;
}
