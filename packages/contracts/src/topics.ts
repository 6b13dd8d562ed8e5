import { accountSchema, accountTopic } from './account.ts';
import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { StreamContract, TopicSpec } from './contract.ts';
import { deadLetterSchema, deadLetterTopic } from './dead-letter.ts';
import { enrichedSchema } from './enriched-schema.ts';
import { loadedFileSchema, loadTopic } from './loaded-file.ts';
import { writeKeySchema, writeKeyTopic } from './write-key.ts';
import { writeKeyUsageSchema, writeKeyUsageTopic } from './write-key-usage.ts';

/** The enricher's consumer group. Its committed offsets are part of its transactions, so they tell how far the enricher is. */
export const enricherGroup = 'enricher';

/** All topics of an installation, each with the schema of its values. */
export function topicsOf(contracts: StreamContract[]): { topic: TopicSpec; schema: AvroRecordSchema }[] {
  return [
    ...contracts.flatMap((contract) => [
      { topic: contract.topics.raw, schema: contract.schema },
      ...(contract.topics.enriched
        ? [{ topic: contract.topics.enriched, schema: enrichedSchema(contract, contracts) }]
        : []),
    ]),
    { topic: deadLetterTopic, schema: deadLetterSchema },
    { topic: accountTopic, schema: accountSchema },
    { topic: loadTopic, schema: loadedFileSchema },
    { topic: writeKeyTopic, schema: writeKeySchema },
    { topic: writeKeyUsageTopic, schema: writeKeyUsageSchema },
  ];
}

/** The registry's subject for the values of a topic (TopicNameStrategy). */
export function subjectOf(topic: string): string {
  return `${topic}-value`;
}
