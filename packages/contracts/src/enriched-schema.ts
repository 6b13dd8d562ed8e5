import type { AvroField, AvroRecordSchema, StreamContract } from './contract.ts';

/** The names of the fields that a join adds beside the table's own. */
export function joinFieldNames(contract: StreamContract, table: StreamContract) {
  const prefix = contract.join?.prefix ?? '';
  return {
    match: `${prefix}_match`,
    ageS: `${prefix}_age_s`,
    time: `${prefix}_${table.eventTime}`,
    series: `${prefix}_${contract.join?.series ?? ''}`,
  };
}

const optional = (type: unknown): unknown =>
  Array.isArray(type) && type.includes('null') ? type : ['null', type];

/** The field of enriched events with their offset in the raw topic, in the partition of the same number. */
export const rawOffsetField = '_raw_offset';

/** The enriched topic's schema: the raw fields, then what the enricher adds, all of it nullable with a null default. */
export function enrichedSchema(contract: StreamContract, all: StreamContract[]): AvroRecordSchema {
  const added: AvroField[] = [];
  const add = (name: string, type: unknown, doc?: string) =>
    added.push({ name, type: optional(type), default: null, ...(doc !== undefined && { doc }) });
  const { join } = contract;
  const table = all.find((other) => other.name === join?.table);
  if (join && table) {
    const names = joinFieldNames(contract, table);
    add(names.match, 'string', `matched, stale, missing or no_location`);
    add(names.ageS, 'long', `Seconds from the ${table.name} to the event`);
    add(names.time, { type: 'long', logicalType: 'timestamp-millis' }, `The ${table.name}'s time`);
    add(names.series, 'string', `The ${join.series} whose ${table.name} was asked for`);
    for (const name of join.fields) {
      const field = table.schema.fields.find((candidate) => candidate.name === name);
      if (field) add(name, field.type, field.doc);
    }
  }
  add(
    rawOffsetField,
    'long',
    `Its offset in ${contract.topics.raw.name}, in the partition of the same number`,
  );
  return {
    ...contract.schema,
    name: `${contract.schema.name}Enriched`,
    fields: [...contract.schema.fields, ...added],
  };
}
