import {
  AvroCodec,
  type AvroField,
  type AvroRegistry,
  type CuratedMapping,
  landedSchema,
  landedTopic,
  type PostgresType,
  type StreamContract,
} from '@windrow/contracts';
import { examine, type FetchedBatch, type Outcome } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';

/** A topic that lands in Postgres, and how. */
export interface Feed {
  stream: string;
  topic: string;
  mapping: CuratedMapping;
  /**
   * One outcome for each record. `drop`: the enricher has dead-lettered it already. `deadLetter`: nobody has, because
   * the enricher wrote the topic and it is wrong all the same. Error: REGISTRY_UNAVAILABLE.
   */
  examine(batch: FetchedBatch): Promise<Outcome[]>;
  /** When Windrow had the event, epoch milliseconds, by the event's own account; null where it says nothing. */
  receivedMs(record: Record<string, unknown>): number | null;
}

/** Every stream with curated tables. Error: CONTRACT_INVALID where a column's type can't hold its field. */
export function feedsOf(contracts: StreamContract[], registry: AvroRegistry): Feed[] {
  const faults: string[] = [];
  const feeds: Feed[] = [];
  for (const contract of contracts) {
    const { curated: mapping, receivedTime } = contract;
    if (!mapping) continue;
    const schema = landedSchema(contract, contracts);
    faults.push(...typeFaults(contract.name, mapping, schema.fields));
    const codec = new AvroCodec(schema, registry);
    const isEnriched = contract.topics.enriched !== undefined;
    // The rules were kept before the event was enriched.
    const examined = isEnriched ? { ...contract, rules: [] } : contract;
    feeds.push({
      stream: contract.name,
      topic: landedTopic(contract),
      mapping,
      examine: async (batch) => {
        const outcomes = await examine(examined, codec, batch);
        return isEnriched ? outcomes : outcomes.map(leftToEnricher);
      },
      receivedMs(record) {
        const time = receivedTime === undefined ? null : record[receivedTime];
        return typeof time === 'number' ? time : null;
      },
    });
  }
  if (faults.length > 0)
    throw new WindrowError('CONTRACT_INVALID', `curated mappings are wrong:\n  ${faults.join('\n  ')}`);
  return feeds;
}

const leftToEnricher = (outcome: Outcome): Outcome =>
  outcome.kind === 'deadLetter'
    ? { kind: 'drop', input: outcome.input, reason: `${outcome.stage}/${outcome.reason}` }
    : outcome;

/** The kinds of Avro values that a column of each type can be sent. */
const accepted: Record<PostgresType, string[]> = {
  text: ['string'],
  jsonb: ['string'],
  timestamptz: ['timestamp-millis'],
  'double precision': ['double', 'float', 'int', 'long'],
  bigint: ['long', 'int'],
  integer: ['int', 'long'],
  boolean: ['boolean'],
};

function typeFaults(stream: string, mapping: CuratedMapping, fields: AvroField[]): string[] {
  const faults: string[] = [];
  for (const { name, field, type } of mapping.columns) {
    const avro = fields.find((candidate) => candidate.name === field);
    const kinds = avro ? kindsOf(avro.type) : [];
    if (kinds.length > 0 && kinds.every((kind) => accepted[type].includes(kind))) continue;
    faults.push(
      `${stream}: column ${name} is ${type}, which can't hold ${field} (${kinds.join(', ') || 'no such field'})`,
    );
  }
  const unmapped = [...mapping.key, mapping.partitionByDay].filter(
    (name) => name !== undefined && !mapping.columns.some((column) => column.name === name),
  );
  for (const name of unmapped)
    faults.push(`${stream}: ${name} is in the key, or its partitions' time, but no column`);
  return faults;
}

function kindsOf(type: unknown): string[] {
  if (Array.isArray(type)) return type.filter((branch) => branch !== 'null').flatMap(kindsOf);
  if (typeof type === 'string') return [type];
  const { logicalType, type: base } = type as { logicalType?: string; type: unknown };
  return logicalType === undefined ? kindsOf(base) : [logicalType];
}
