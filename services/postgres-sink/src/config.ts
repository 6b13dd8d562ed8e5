import {
  adminConfig,
  decimal,
  integer,
  kafkaGroupConfig,
  type loadConfig,
  postgresConfig,
  registryConfig,
} from '@windrow/runtime';

export const postgresSinkConfig = adminConfig.extend({
  ...kafkaGroupConfig.shape,
  ...registryConfig.shape,
  ...postgresConfig.shape,
  POSTGRES_MAX_ROWS: integer(1, 1_000_000)
    .default(20_000)
    .meta({ description: 'the number of rows at which a micro-batch is committed', example: '20000' }),
  POSTGRES_MAX_AGE_SECONDS: decimal(0.05, 3_600).default(0.25).meta({
    description: 'the seconds after its first record after which a micro-batch is committed',
    example: '0.25',
  }),
  POSTGRES_MEMORY_BYTES: integer(1_048_576).default(134_217_728).meta({
    description:
      'the memory budget in bytes for events of all tables; when it is exceeded, consumption pauses (back-pressure)',
    example: '134217728',
  }),
});

export type PostgresSinkConfig = ReturnType<typeof loadConfig<typeof postgresSinkConfig>>;
