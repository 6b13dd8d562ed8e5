import { AvroRegistry, loadStreams, type StreamContract } from '@windrow/contracts';
import { S3ObjectStore } from '@windrow/lake';
import { KafkaBroker } from '@windrow/pipeline';
import { QueryPool } from '@windrow/postgres';
import {
  kafkaConfig,
  loadConfig,
  postgresConfig,
  registryConfig,
  s3Config,
  Teardown,
} from '@windrow/runtime';

/** The clients that operations use. Each connects on its first use. Whoever opens an installation closes it. */
export interface Installation {
  contracts: StreamContract[];
  broker: KafkaBroker;
  registry: AvroRegistry;
  lake: S3ObjectStore;
  postgres: QueryPool;
  close(): Promise<void>;
}

export const installationConfig = kafkaConfig
  .extend(registryConfig.shape)
  .extend(s3Config.shape)
  .extend(postgresConfig.shape);

/** @throws WindrowError CONFIG_INVALID naming all invalid or missing variables */
export async function openInstallation(env: NodeJS.ProcessEnv): Promise<Installation> {
  const config = loadConfig(installationConfig, env);
  const contracts = await loadStreams();
  const teardown = new Teardown();
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'windrow-cli' });
  teardown.add('Kafka', () => broker.close());
  const lake = new S3ObjectStore({
    bucket: config.LAKE_BUCKET,
    region: config.AWS_REGION,
    endpoint: config.S3_ENDPOINT,
    credentials: { accessKeyId: config.AWS_ACCESS_KEY_ID, secretAccessKey: config.AWS_SECRET_ACCESS_KEY },
  });
  teardown.add('S3', () => lake.close());
  const postgres = new QueryPool(config.DATABASE_URL, 'windrow-cli');
  teardown.add('Postgres', () => postgres.close());
  return {
    contracts,
    broker,
    registry: new AvroRegistry(config.SCHEMA_REGISTRY_URL),
    lake,
    postgres,
    close: () => teardown.run(),
  };
}
