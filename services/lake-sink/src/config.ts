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
    .meta({ description: 'the rows at which a micro-batch is committed', example: '500000' }),
  LAKE_MAX_BYTES: integer(1_024).default(33_554_432).meta({
    description: 'the bytes of records held in memory at which a micro-batch is committed',
    example: '33554432',
  }),
  LAKE_MAX_AGE_SECONDS: integer(1, 3_600).default(60).meta({
    description: 'the seconds after its first record at which a micro-batch is committed',
    example: '60',
  }),
  LAKE_MAX_WINDOWS: integer(1, 1_000).default(12).meta({
    description:
      'the windows of event time for which a micro-batch makes a file each; with more of them, as of history, it makes one for each date',
    example: '12',
  }),
  LAKE_MEMORY_BUDGET_BYTES: integer(1_048_576).default(67_108_864).meta({
    description:
      'the bytes of rows held in memory at once, all tables together; beyond it, consumption pauses. Room for more rows takes up to as much again',
    example: '67108864',
  }),
  LAKE_COMPACTION: z.enum(['on', 'off']).default('off').meta({
    description:
      'whether the small files of windows that have closed are compacted, and replaced files deleted after their retention: on or off. With it only readers of the Delta log see each row once',
    example: 'on',
  }),
  ALLOWED_LATENESS_SECONDS: integer(0, 604_800).default(600).meta({
    description:
      'the seconds after its end, and after the last rows that came to it, at which a window of event time counts as closed',
    example: '600',
  }),
  LAKE_PARQUET_ENCODER: z
    .enum(encoderNames)
    .default('columnar')
    .meta({
      description: `what writes the Parquet files: ${encoderNames.join(' or ')}`,
      example: 'columnar',
    }),
});

export type LakeSinkConfig = ReturnType<typeof loadConfig<typeof lakeSinkConfig>>;
