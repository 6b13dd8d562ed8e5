import { AvroRegistry, loadStreams } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { runService } from '@windrow/runtime';
import { postgresSinkConfig } from './config.ts';
import { startSink } from './sink.ts';

await runService({
  name: 'postgres-sink',
  config: postgresSinkConfig,
  async start({ config, log, registry, readiness, teardown, signal, fail }) {
    const contracts = await loadStreams();
    const broker = new KafkaBroker({
      brokers: config.KAFKA_BROKERS,
      sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
      clientId: 'postgres-sink',
      onLog: (level, message, details) => log[level](details, message),
    });
    teardown.add('kafka', () => broker.close());
    const sink = await startSink({
      contracts,
      broker,
      schemas: new AvroRegistry(config.SCHEMA_REGISTRY_URL),
      databaseUrl: config.DATABASE_URL,
      groupId: 'postgres-sink',
      limits: {
        maxRows: config.POSTGRES_MAX_ROWS,
        maxAgeMs: 1_000 * config.POSTGRES_MAX_AGE_SECONDS,
        memoryBytes: config.POSTGRES_MEMORY_BYTES,
      },
      metrics: registry,
      readiness,
      log,
      signal,
      fail,
    });
    teardown.add('sink', () => sink.stop());
  },
});
