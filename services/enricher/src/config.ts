import { adminConfig, integer, kafkaGroupConfig, registryConfig } from '@windrow/runtime';

export const enricherConfig = kafkaGroupConfig.extend({
  ...registryConfig.shape,
  ...adminConfig.shape,
  DEDUPE_IDS_PER_PARTITION: integer(1_000).default(4_000_000).meta({
    description:
      'the maximum number of event ids per partition that the enricher keeps for deduplication (32 bytes each when full)',
    example: '4000000',
  }),
});
