import type { AvroRecordSchema } from './avro/avro-record.ts';
import type { StreamContract } from './contract.ts';
import { enrichedSchema } from './enriched-schema.ts';

/** The topic that the sinks read for a stream's curated tables. */
export function landedTopic(contract: StreamContract): string {
  return (contract.topics.enriched ?? contract.topics.raw).name;
}

/** The schema of {@link landedTopic}. */
export function landedSchema(contract: StreamContract, all: StreamContract[]): AvroRecordSchema {
  return contract.topics.enriched ? enrichedSchema(contract, all) : contract.schema;
}
