import type { AvroRegistry, StreamContract } from '@windrow/contracts';
import type { Broker } from '@windrow/pipeline';
import { Database } from '@windrow/postgres';
import type { Logger, Readiness, Registry } from '@windrow/runtime';
import { SinkRunner } from '@windrow/sink';
import packageJson from '../package.json' with { type: 'json' };
import { feedsOf } from './feeds.ts';
import { sinkMetrics } from './metrics.ts';
import { PostgresDestination } from './postgres-destination.ts';
import { watchReplays } from './replay-watch.ts';

/** While the server executes one transaction, the next rows are sent in the other. More lanes were not faster. */
const lanesPerTopic = 2;

export interface SinkOptions {
  contracts: StreamContract[];
  broker: Broker;
  schemas: AvroRegistry;
  databaseUrl: string;
  /** The consumer group. Its committed offsets show the lag; the ledger decides. */
  groupId: string;
  limits: { maxRows: number; maxAgeMs: number; memoryBytes: number };
  metrics: Registry;
  readiness: Readiness;
  log: Logger;
  /** Stops the start while it waits for Kafka or Postgres. */
  signal: AbortSignal;
  /** Called with an error that nobody can handle. */
  fail(error: unknown): void;
}

/** Writes every stream with a curated table to Postgres. `stop` commits the events that were read and leaves the group. */
export async function startSink(options: SinkOptions): Promise<{ stop(): Promise<void> }> {
  const { contracts, broker, schemas, databaseUrl, groupId, readiness, log, signal, fail } = options;
  const { maxRows, maxAgeMs, memoryBytes } = options.limits;
  const feeds = feedsOf(contracts, schemas);
  const lanes = lanesPerTopic * Math.max(1, feeds.length);
  const metrics = sinkMetrics(options.metrics);
  readiness.unmet('postgres', 'not connected to Postgres yet');
  const database = new Database({
    url: databaseUrl,
    // One more connection for the metrics of replays.
    connections: lanes + 1,
    reachability: {
      away: (reason) => readiness.unmet('postgres', reason),
      back: () => readiness.met('postgres'),
    },
  });
  const runner = new SinkRunner({
    intake: 'records',
    destinations: feeds.map(
      (feed) => new PostgresDestination({ feed, database, lanes: lanesPerTopic, metrics }),
    ),
    lanesPerTopic,
    // Each lane fills one micro-batch while another one is committed. So a lane that waits for a lock leaves memory for the others.
    limits: { maxRows, maxAgeMs, maxBytes: Math.floor(memoryBytes / (2 * lanes)) },
    memoryBytes,
    ...{ groupId, service: 'postgres-sink', version: packageJson.version },
    ...{ broker, schemas, registry: options.metrics, readiness, log, fail },
    metrics: { ...metrics, fillSeconds: metrics.seconds('fill') },
  });
  try {
    await runner.start(signal);
  } catch (error) {
    await database.close();
    throw error;
  }
  const endWatch = watchReplays(database, options.metrics, log);
  return {
    async stop() {
      endWatch();
      await runner.stop();
      await database.close();
    },
  };
}
