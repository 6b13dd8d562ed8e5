import { encoderNames } from '@windrow/lake';
import {
  adminConfig,
  integer,
  kafkaGroupConfig,
  type loadConfig,
  registryConfig,
  s3Config,
} from '@windrow/runtime';
import { z } from 'zod';

export const lakeSinkConfig = adminConfig.extend({
  ...kafkaGroupConfig.shape,
  ...registryConfig.shape,
  ...s3Config.shape,
  LAKE_MAX_ROWS: integer(1, 5_000_000)
    .default(500_000)
    .meta({ description: 'the number of rows at which a micro-batch is committed', example: '500000' }),
  LAKE_MAX_BYTES: integer(1_024).default(33_554_432).meta({
    description: 'the size of its records in memory, in bytes, at which a micro-batch is committed',
    example: '33554432',
  }),
  LAKE_MAX_AGE_SECONDS: integer(1, 3_600).default(60).meta({
    description: 'the seconds after its first record after which a micro-batch is committed',
    example: '60',
  }),
  LAKE_MAX_WINDOWS: integer(1, 1_000).default(12).meta({
    description:
      'the maximum number of event time windows in a micro-batch for which it writes one file per window; with more windows, such as in historical data, it writes one file per date',
    example: '12',
  }),
  LAKE_MEMORY_BUDGET_BYTES: integer(1_048_576).default(67_108_864).meta({
    description:
      'the memory budget in bytes for rows of all tables; when it is exceeded, consumption pauses (back-pressure). Growing buffers may take as much again',
    example: '67108864',
  }),
  LAKE_COMPACTION: z.enum(['on', 'off']).default('off').meta({
    description:
      'whether small files of closed windows are compacted, and the replaced files deleted after their retention: on or off. With on, read the table through its Delta log: until their deletion, replaced files hold the same rows again',
    example: 'on',
  }),
  ALLOWED_LATENESS_SECONDS: integer(0, 604_800).default(600).meta({
    description:
      'the seconds after its end and after its last committed rows after which an event time window is closed',
    example: '600',
  }),
  LAKE_PARQUET_ENCODER: z
    .enum(encoderNames)
    .default('columnar')
    .meta({
      description: `the encoder of the Parquet files: ${encoderNames.join(' or ')}`,
      example: 'columnar',
    }),
});

export type LakeSinkConfig = ReturnType<typeof loadConfig<typeof lakeSinkConfig>>;
