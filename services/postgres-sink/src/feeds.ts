import {
  AvroCodec,
  type AvroRegistry,
  type CuratedMapping,
  columnFault,
  landedSchema,
  landedTopic,
  recordCheck,
  type StreamContract,
} from '@windrow/contracts';
import { decodeAndCheck, type FetchedBatch, type Outcome } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';

/** A topic and the Postgres table that it fills. */
export interface Feed {
  stream: string;
  topic: string;
  mapping: CuratedMapping;
  /**
   * Decodes a batch into one outcome for each record. `drop`: the enricher has dead-lettered the record already. `deadLetter`:
   * the enricher wrote the record and it is invalid all the same.
   * @throws WindrowError REGISTRY_UNAVAILABLE
   */
  decode(batch: FetchedBatch): Promise<Outcome[]>;
  /** When Windrow received the event, epoch milliseconds, from a field of the event; null if it has none. */
  receivedMs(record: Record<string, unknown>): number | null;
}

/**
 * A feed for every stream with a curated table.
 * @throws WindrowError CONTRACT_INVALID when the type of a column can't hold its field
 */
export function feedsOf(contracts: StreamContract[], registry: AvroRegistry): Feed[] {
  const faults: string[] = [];
  const feeds: Feed[] = [];
  for (const contract of contracts) {
    const { curated: mapping, receivedTime } = contract;
    if (!mapping) continue;
    const schema = landedSchema(contract, contracts);
    const codec = new AvroCodec(schema, registry);
    faults.push(...typeFaults(contract.name, mapping, codec.type));
    const isEnriched = contract.topics.enriched !== undefined;
    // The enricher has checked an enriched event.
    const check = isEnriched ? () => null : recordCheck(contract);
    feeds.push({
      stream: contract.name,
      topic: landedTopic(contract),
      mapping,
      decode: async (batch) => {
        const outcomes = await decodeAndCheck(contract, codec, batch, check);
        return isEnriched ? outcomes : outcomes.map(leftToEnricher);
      },
      receivedMs(record) {
        const time = receivedTime === undefined ? null : record[receivedTime];
        return typeof time === 'number' ? time : null;
      },
    });
  }
  if (faults.length > 0)
    throw new WindrowError('CONTRACT_INVALID', `invalid curated mappings:\n  ${faults.join('\n  ')}`);
  return feeds;
}

const leftToEnricher = (outcome: Outcome): Outcome =>
  outcome.kind === 'deadLetter'
    ? { kind: 'drop', input: outcome.input, reason: `${outcome.stage}/${outcome.reason}` }
    : outcome;

function typeFaults(stream: string, mapping: CuratedMapping, record: AvroCodec['type']): string[] {
  const faults: string[] = [];
  for (const { name, field, type } of mapping.columns) {
    const fault = columnFault(type, record, field);
    if (fault !== undefined) faults.push(`${stream}: column ${name} ${fault}`);
  }
  const unmapped = [...mapping.key, mapping.partitionByDay].filter(
    (name) => name !== undefined && !mapping.columns.some((column) => column.name === name),
  );
  for (const name of unmapped)
    faults.push(
      `${stream}: ${name} is part of the key, or is the time of the partitions, but is not a column`,
    );
  return faults;
}
