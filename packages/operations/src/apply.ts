import { AvroRegistry, loadStreams } from '@windrow/contracts';
import { applyStreams, KafkaBroker } from '@windrow/pipeline';
import { migrate } from '@windrow/postgres';
import { integer, kafkaConfig, loadConfig, postgresConfig, registryConfig } from '@windrow/runtime';

export const applyConfig = kafkaConfig
  .extend(registryConfig.shape)
  .extend(postgresConfig.shape)
  .extend({
    KAFKA_PARTITIONS: integer(1, 10_000).default(4).meta({
      description: 'the partitions of topics that are created; topics that exist keep theirs',
      example: '4',
    }),
  });

export interface AppliedInstallation {
  topics: { created: string[]; existing: string[] };
  /** Subject → the schema's id. */
  subjects: Record<string, number>;
  /** Migrations that this call has run. */
  migrations: string[];
}

/**
 * Creates the topics, registered schemas and Postgres tables that the contracts need and the installation lacks. Running it
 * again changes nothing.
 * @throws WindrowError CONFIG_INVALID, SCHEMA_INCOMPATIBLE, KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE, POSTGRES_FAILED
 */
export async function applyInstallation(env: NodeJS.ProcessEnv): Promise<AppliedInstallation> {
  const config = loadConfig(applyConfig, env);
  const contracts = await loadStreams();
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'windrow-cli' });
  try {
    const registry = new AvroRegistry(config.SCHEMA_REGISTRY_URL);
    const [applied, migrations] = await Promise.all([
      applyStreams(contracts, { broker, registry, partitions: config.KAFKA_PARTITIONS }),
      migrate(config.DATABASE_URL, contracts),
    ]);
    return {
      topics: { created: applied.created, existing: applied.existing },
      subjects: Object.fromEntries([...applied.schemaIds].map(([topic, id]) => [`${topic}-value`, id])),
      migrations,
    };
  } finally {
    await broker.close();
  }
}
