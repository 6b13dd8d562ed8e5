import { AvroRegistry, loadStreams, type StreamContract } from '@windrow/contracts';
import { S3ObjectStore } from '@windrow/lake';
import { KafkaBroker } from '@windrow/pipeline';
import {
  kafkaConfig,
  loadConfig,
  postgresConfig,
  registryConfig,
  s3Config,
  Teardown,
  WindrowError,
} from '@windrow/runtime';
import pg from 'pg';

/** Everything a command asks: clients are made at once, connections on their first use. The opener closes it. */
export interface Installation {
  contracts: StreamContract[];
  broker: KafkaBroker;
  registry: AvroRegistry;
  lake: S3ObjectStore;
  /** Error: POSTGRES_FAILED. */
  query<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export const installationConfig = kafkaConfig
  .extend(registryConfig.shape)
  .extend(s3Config.shape)
  .extend(postgresConfig.shape);

/** @throws WindrowError CONFIG_INVALID with everything that the environment lacks */
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
  const pool = new pg.Pool({
    connectionString: config.DATABASE_URL,
    max: 2,
    connectionTimeoutMillis: 10_000,
    application_name: 'windrow-cli',
    options: '-c TimeZone=UTC',
  });
  // An idle connection that breaks is replaced when the next query comes.
  pool.on('error', () => undefined);
  teardown.add('Postgres', () => pool.end());
  return {
    contracts,
    broker,
    registry: new AvroRegistry(config.SCHEMA_REGISTRY_URL),
    lake,
    async query<Row extends object>(sql: string, values: unknown[] = []) {
      try {
        return (await pool.query<Row>(sql, values)).rows;
      } catch (cause) {
        throw postgresError(cause);
      }
    },
    close: () => teardown.run(),
  };
}

function postgresError(cause: unknown): WindrowError {
  const { code, message } = cause as { code?: string; message?: string };
  const absent = code === '42P01' || code === '3F000';
  const wayOut = absent ? '; its tables are made by: windrow streams apply' : '';
  const reason = message || code || String(cause);
  return new WindrowError('POSTGRES_FAILED', `Postgres did not answer a query: ${reason}${wayOut}`, {
    retriable: !absent,
    cause,
  });
}
