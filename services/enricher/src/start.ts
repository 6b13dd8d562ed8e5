import {
  type AvroRegistry,
  accountTopic,
  deadLetterTopic,
  type StreamContract,
  streamNamed,
  topicsOf,
} from '@windrow/contracts';
import { rowMaker, TableFeed } from '@windrow/enrichment';
import { type Broker, consumeMeasured, watchBroker } from '@windrow/pipeline';
import {
  type Logger,
  type Readiness,
  type Registry,
  retry,
  type Teardown,
  WindrowError,
} from '@windrow/runtime';
import { Enricher } from './enricher.ts';
import { enricherMetrics, showState } from './metrics.ts';
import { outputEncoders, stepsOf } from './stream-steps.ts';

/** Partitions whose batches are in work at the same time: while one waits for the broker, others compute. */
const concurrency = 8;

export interface StartOptions {
  contracts: StreamContract[];
  broker: Broker;
  avro: AvroRegistry;
  groupId: string;
  maxIds: number;
  version: string;
  log: Logger;
  registry: Registry;
  readiness: Readiness;
  teardown: Teardown;
  signal: AbortSignal;
  fail(error: unknown): void;
}

/** Sets the enricher up; while broker or registry are away it waits, and the readiness says for what. */
export async function startEnricher(options: StartOptions): Promise<Enricher> {
  const { contracts, broker, avro, groupId, registry, teardown, signal, fail } = options;
  const metrics = enricherMetrics(registry);
  const schemaIds = await patiently(options, 'topics', () => prepare(contracts, broker, avro));
  const feeds = await openTables(options);
  const enricher = new Enricher({
    ...options,
    metrics,
    steps: contracts.map((contract) => stepsOf(contract, { contracts, registry: avro, schemaIds, feeds })),
    encoders: outputEncoders(
      { deadLetters: deadLetterTopic.name, accounts: accountTopic.name },
      { registry: avro, schemaIds },
    ),
  });
  teardown.add('producers', () => enricher.close());
  showState(
    registry,
    () => enricher.state(),
    () => [...feeds.values()].map(({ contract, table }) => ({ stream: contract.name, rows: table.size })),
  );
  options.readiness.unmet('partitions', 'no partitions are assigned yet');
  const consumer = await patiently(options, 'group', () =>
    consumeMeasured(broker, registry, {
      groupId,
      topics: enricher.topics,
      handler: enricher,
      concurrency,
      onAssignment: (reason, partitions) =>
        options.log.info({ reason, partitions: partitions.length }, 'assigned'),
    }),
  );
  teardown.add('consumer', () => consumer.stop());
  consumer.failed.catch((error) => signal.aborted || fail(error));
  teardown.add('watch', watchBroker(broker, accountTopic.name, options.readiness));
  return enricher;
}

/** Tries until it works, the process is asked to stop, or trying is of no use. */
function patiently<T>(
  { readiness, log, signal }: Pick<StartOptions, 'readiness' | 'log' | 'signal'>,
  condition: string,
  call: () => Promise<T>,
): Promise<T> {
  readiness.unmet(condition, 'not asked for yet');
  return retry(call, {
    signal,
    capMs: 5_000,
    onRetry: ({ error }) => {
      readiness.unmet(condition, error instanceof Error ? error.message : String(error));
      log.warn({ err: error }, 'trying again');
    },
  }).then((result) => {
    readiness.met(condition);
    return result;
  });
}

/** Registers the schemas of the topics that are written, which have to be there. */
async function prepare(
  contracts: StreamContract[],
  broker: Broker,
  avro: AvroRegistry,
): Promise<Map<string, number>> {
  const topics = topicsOf(contracts);
  const names = topics.map(({ topic }) => topic.name);
  const existing = new Map(
    (await broker.describeTopics(names)).map((topic) => [topic.name, topic.partitions]),
  );
  const missing = names.filter((name) => !existing.has(name));
  if (missing.length > 0) {
    const message = `Kafka has no topic ${missing.join(', ')}; make them with: npx windrow streams apply`;
    throw new WindrowError('TOPIC_MISSING', message);
  }
  for (const { topics: own } of contracts) {
    const [raw, enriched] = [existing.get(own.raw.name), existing.get(own.enriched?.name ?? '')];
    if (enriched === undefined || enriched === raw) continue;
    const message = `${own.raw.name} has ${raw} partitions and ${own.enriched?.name} ${enriched}; an event keeps its partition, so make them equal`;
    throw new WindrowError('CONTRACT_INVALID', message);
  }
  const ids = new Map<string, number>();
  for (const { topic, schema } of topics) ids.set(topic.name, await avro.register(topic.name, schema));
  return ids;
}

/** Stream → the table that it is joined with, read whole. */
async function openTables(options: StartOptions): Promise<Map<string, TableFeed>> {
  const { contracts, broker, avro, teardown, signal, fail, readiness, log } = options;
  const feeds = new Map<string, TableFeed>();
  for (const contract of contracts) {
    if (!contract.join) continue;
    const table = streamNamed(contracts, contract.join.table);
    const condition = `table ${table.name} of ${contract.name}`;
    const feed = await patiently(options, condition, () =>
      TableFeed.open({ broker, registry: avro, contract: table, toRow: rowMaker(contract, table) }),
    );
    teardown.add(condition, () => feed.close());
    feed.failed.catch((error) => signal.aborted || fail(error));
    readiness.unmet(condition, `${table.topics.raw.name} is being read`);
    await feed.current(signal);
    readiness.met(condition);
    log.info({ table: table.name, rows: feed.table.size }, 'table read');
    feeds.set(contract.name, feed);
  }
  return feeds;
}
