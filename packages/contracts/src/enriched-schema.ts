import type { AvroField, AvroRecordSchema } from './avro/avro-record.ts';
import type { StreamContract } from './contract.ts';
import { fieldsAddedBy } from './step.ts';

/** The field of enriched events with their offset in the raw topic, in the partition of the same number. */
export const rawOffsetField = '_raw_offset';

/** The schema of the enriched topic: the raw fields, the fields of each step, and the offset in the raw topic. */
export function enrichedSchema(contract: StreamContract, all: readonly StreamContract[]): AvroRecordSchema {
  const rawOffset: AvroField = {
    name: rawOffsetField,
    type: ['null', 'long'],
    default: null,
    doc: `Its offset in ${contract.topics.raw.name}, in the partition of the same number`,
  };
  return {
    ...contract.schema,
    name: `${contract.schema.name}Enriched`,
    fields: [
      ...contract.schema.fields,
      ...(contract.steps ?? []).flatMap((step) => fieldsAddedBy(step, all)),
      rawOffset,
    ],
  };
}
