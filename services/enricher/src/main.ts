import { AvroRegistry, enricherGroup, loadStreams } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { runService } from '@windrow/runtime';
import manifest from '../package.json' with { type: 'json' };
import { enricherConfig } from './config.ts';
import { startEnricher } from './start.ts';

await runService({
  name: 'enricher',
  config: enricherConfig,
  async start(context) {
    const { config, log, teardown } = context;
    const broker = new KafkaBroker({
      brokers: config.KAFKA_BROKERS,
      sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
      clientId: 'enricher',
      onLog: (level, message, details) => log[level]({ details }, message),
    });
    teardown.add('broker', () => broker.close());
    await startEnricher({
      ...context,
      contracts: await loadStreams(),
      broker,
      avro: new AvroRegistry(config.SCHEMA_REGISTRY_URL),
      groupId: enricherGroup,
      maxIds: config.DEDUPE_IDS_PER_PARTITION,
      version: manifest.version,
    });
  },
});
