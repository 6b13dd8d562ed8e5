import { AvroRegistry, loadStreams } from '@windrow/contracts';
import { S3ObjectStore } from '@windrow/lake';
import { KafkaBroker } from '@windrow/pipeline';
import { runService } from '@windrow/runtime';
import { lakeSinkConfig } from './config.ts';
import { startSink } from './sink.ts';

await runService({
  name: 'lake-sink',
  config: lakeSinkConfig,
  async start({ config, log, registry, readiness, teardown, signal, fail }) {
    const contracts = await loadStreams();
    const broker = new KafkaBroker({
      brokers: config.KAFKA_BROKERS,
      sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
      clientId: 'lake-sink',
      onLog: (level, message, details) => log[level](details, message),
    });
    teardown.add('kafka', () => broker.close());
    const store = new S3ObjectStore({
      bucket: config.LAKE_BUCKET,
      region: config.AWS_REGION,
      endpoint: config.S3_ENDPOINT,
      credentials: { accessKeyId: config.AWS_ACCESS_KEY_ID, secretAccessKey: config.AWS_SECRET_ACCESS_KEY },
    });
    teardown.add('s3', () => store.close());
    const sink = await startSink({
      contracts,
      broker,
      schemas: new AvroRegistry(config.SCHEMA_REGISTRY_URL),
      store,
      groupId: 'lake-sink',
      encoder: config.LAKE_PARQUET_ENCODER,
      maxWindows: config.LAKE_MAX_WINDOWS,
      memoryBudgetBytes: config.LAKE_MEMORY_BUDGET_BYTES,
      limits: {
        maxRows: config.LAKE_MAX_ROWS,
        maxBytes: config.LAKE_MAX_BYTES,
        maxAgeMs: 1_000 * config.LAKE_MAX_AGE_SECONDS,
      },
      ...(config.LAKE_COMPACTION === 'on' && {
        compaction: { latenessMs: 1_000 * config.ALLOWED_LATENESS_SECONDS },
      }),
      metrics: registry,
      readiness,
      log,
      signal,
      fail,
    });
    teardown.add('sink', () => sink.stop());
  },
});
