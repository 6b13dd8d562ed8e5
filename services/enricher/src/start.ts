import {
  type AvroRegistry,
  accountTopic,
  deadLetterTopic,
  type StreamContract,
  topicsOf,
} from '@windrow/contracts';
import { Enrichment } from '@windrow/enrichment';
import { assertTopicsExist, type Broker, consumeMeasured, watchBroker } from '@windrow/pipeline';
import {
  type Logger,
  type Readiness,
  type Registry,
  retryUntilReady,
  type Teardown,
  WindrowError,
} from '@windrow/runtime';
import { Enricher } from './enricher.ts';
import { enricherMetrics, showState } from './metrics.ts';
import { outputEncoders, type StreamSteps, stepsOf } from './stream-steps.ts';

/** Partitions that are processed at the same time: while one waits for the broker, others compute. */
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

/** Starts the enricher. While the broker or the registry is unavailable it waits, and its readiness names the reason. */
export async function startEnricher(options: StartOptions): Promise<Enricher> {
  const { contracts, broker, avro, groupId, registry, teardown, signal, fail } = options;
  const metrics = enricherMetrics(registry);
  const schemaIds = await ready(options, 'topics', () => registerSchemas(contracts, broker, avro));
  const enrichments: Enrichment[] = [];
  const steps: StreamSteps[] = [];
  for (const contract of contracts) {
    const enrichment = await openEnrichment(contract, options);
    enrichments.push(enrichment);
    steps.push(stepsOf(contract, enrichment, { contracts, registry: avro, schemaIds }));
  }
  const enricher = new Enricher({
    ...options,
    metrics,
    steps,
    encoders: outputEncoders(
      { deadLetters: deadLetterTopic.name, accounts: accountTopic.name },
      { registry: avro, schemaIds },
    ),
  });
  teardown.add('producers', () => enricher.close());
  showState(
    registry,
    () => enricher.state(),
    () =>
      enrichments.flatMap(({ feeds }) =>
        feeds.map(({ contract, table }) => ({ stream: contract.name, rows: table.size })),
      ),
  );
  options.readiness.unmet('partitions', 'no partitions are assigned yet');
  const consumer = await ready(options, 'group', () =>
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

/** Retries until the call succeeds; the condition is unmet from the first attempt on. */
function ready<T>(
  { readiness, log, signal }: Pick<StartOptions, 'readiness' | 'log' | 'signal'>,
  condition: string,
  call: () => Promise<T>,
): Promise<T> {
  readiness.unmet(condition, 'not requested yet');
  return retryUntilReady(call, { condition, readiness, log, signal });
}

/** Registers the schemas of the topics that the enricher writes. The topics must exist. */
async function registerSchemas(
  contracts: StreamContract[],
  broker: Broker,
  avro: AvroRegistry,
): Promise<Map<string, number>> {
  const topics = topicsOf(contracts);
  const names = topics.map(({ topic }) => topic.name);
  const existing = new Map(
    (await assertTopicsExist(broker, names)).map((topic) => [topic.name, topic.partitions]),
  );
  for (const { topics: own } of contracts) {
    const [raw, enriched] = [existing.get(own.raw.name), existing.get(own.enriched?.name ?? '')];
    if (enriched === undefined || enriched === raw) continue;
    const message = `${own.raw.name} has ${raw} partitions and ${own.enriched?.name} has ${enriched}; an event keeps its partition number, so both need the same number of partitions`;
    throw new WindrowError('CONTRACT_INVALID', message);
  }
  const ids = new Map<string, number>();
  for (const { topic, schema } of topics) ids.set(topic.name, await avro.register(topic.name, schema));
  return ids;
}

/** Opens the steps of a stream and waits until the tables of its joins are complete. */
async function openEnrichment(contract: StreamContract, options: StartOptions): Promise<Enrichment> {
  const { contracts, broker, avro, teardown, signal, fail, readiness, log } = options;
  const condition = `tables of ${contract.name}`;
  const enrichment = await ready(options, condition, () =>
    Enrichment.open({ contract, contracts, broker, registry: avro }),
  );
  teardown.add(condition, () => enrichment.close());
  enrichment.failed.catch((error) => signal.aborted || fail(error));
  readiness.unmet(condition, 'the topics of the tables are being read');
  await enrichment.current(signal);
  readiness.met(condition);
  for (const { contract: table, table: rows } of enrichment.feeds)
    log.info({ stream: contract.name, table: table.name, rows: rows.size }, 'table read');
  return enrichment;
}
