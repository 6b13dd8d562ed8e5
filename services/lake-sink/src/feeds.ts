import {
  AvroCodec,
  type AvroRecordSchema,
  type AvroRegistry,
  deadLetterSchema,
  deadLetterTable,
  deadLetterTopic,
  type EventRecord,
  landedSchema,
  type StreamContract,
} from '@windrow/contracts';
import { type TableSchema, tableSchemaFromAvro } from '@windrow/lake';
import { deadLetterOf, examine, type FetchedBatch, type InputRecord, type Outcome } from '@windrow/pipeline';
import packageJson from '../package.json' with { type: 'json' };

/** A topic that lands in the lake, and where. */
export interface Feed {
  stream: string;
  topic: string;
  /** Path of the table, below the bucket. */
  table: string;
  schema: TableSchema;
  /** The Avro field of each of the schema's first columns; what follows them are the ledger columns. */
  fields: string[];
  /**
   * One outcome for each record. `drop`: the enricher has dead-lettered it already. `deadLetter`: nobody has, because
   * the enricher wrote the topic and it is wrong all the same. Error: REGISTRY_UNAVAILABLE.
   */
  examine(batch: FetchedBatch): Promise<Outcome[]>;
  /** The record of an `ok` outcome, from its input's value. */
  decodeAgain(value: Buffer): EventRecord;
  /** Epoch milliseconds, whatever the event says; null where it says nothing. */
  eventTimeMs(record: EventRecord): number | null;
  /** When Windrow had the event, by the event's own account; null where it says nothing. */
  receivedMs(record: EventRecord): number | null;
}

/**
 * Every raw topic in its archive, every enriched topic in its curated table, and the dead letters. The archive takes each
 * record that decodes, whether or not it keeps the rules.
 */
export function feedsOf(contracts: StreamContract[], registry: AvroRegistry): Feed[] {
  return [
    ...contracts.flatMap((contract) => [
      rawFeed(contract, registry),
      ...curatedFeed(contract, contracts, registry),
    ]),
    deadLetterFeed(registry),
  ];
}

function rawFeed(contract: StreamContract, registry: AvroRegistry): Feed {
  const { decode, decodeAgain } = decoder(contract, contract.schema, registry);
  return {
    ...feedOf(contract, contract.topics.raw.name, contract.lake.raw, contract.schema),
    decodeAgain,
    examine: async (batch) =>
      (await decode(batch)).map((outcome) =>
        outcome.kind === 'deadLetter'
          ? { kind: 'drop', input: outcome.input, reason: `${outcome.stage}/${outcome.reason}` }
          : outcome,
      ),
  };
}

function curatedFeed(contract: StreamContract, all: StreamContract[], registry: AvroRegistry): Feed[] {
  const { topics, lake } = contract;
  if (!topics.enriched || lake.curated === undefined) return [];
  const schema = landedSchema(contract, all);
  const { decode, decodeAgain } = decoder(contract, schema, registry);
  return [
    {
      ...feedOf(contract, topics.enriched.name, lake.curated, schema),
      decodeAgain,
      examine: async (batch) =>
        (await decode(batch)).map((outcome) =>
          outcome.kind === 'deadLetter' ? { ...outcome, stage: 'lake' } : outcome,
        ),
    },
  ];
}

/** A dead letter that can't be decoded would be one for ever: it lands as a dead letter about itself. */
function deadLetterFeed(registry: AvroRegistry): Feed {
  const { name: topic } = deadLetterTopic;
  const codec = new AvroCodec(deadLetterSchema, registry);
  return {
    stream: topic,
    topic,
    table: deadLetterTable,
    ...columnsOf(deadLetterSchema),
    async examine({ records, partition }) {
      const decoded = await codec.decode(records.map(({ value }) => value));
      const areGood = decoded.every(({ ok }) => ok);
      const schemaId = areGood ? 0 : await registry.register(topic, deadLetterSchema);
      const outcomes = records.map((input, index): Outcome => {
        const result = decoded[index]!;
        if (result.ok) return { kind: 'ok', input, record: result.record };
        const refused = { kind: 'deadLetter', input, stage: 'lake', ...result } as const;
        const from = { stream: topic, topic, partition, service: 'lake-sink', version: packageJson.version };
        const record = { ...deadLetterOf(refused, from), failed_at: input.timestampMs };
        return { kind: 'ok', input: { ...input, value: codec.encode(record, schemaId) }, record };
      });
      // So that the codec knows the schema of the values that were made here.
      if (!areGood) await codec.decode(outcomes.map(({ input }) => input.value));
      return outcomes;
    },
    decodeAgain: (value) => codec.decodeAgain(value),
    eventTimeMs: (record) => numberIn(record, 'failed_at'),
    receivedMs: (record) => numberIn(record, 'failed_at'),
  };
}

function feedOf(contract: StreamContract, topic: string, table: string, schema: AvroRecordSchema) {
  const { name: stream, eventTime, receivedTime } = contract;
  return {
    stream,
    topic,
    table,
    ...columnsOf(schema),
    eventTimeMs: (record: EventRecord) => numberIn(record, eventTime),
    receivedMs: (record: EventRecord) => (receivedTime === undefined ? null : numberIn(record, receivedTime)),
  };
}

function columnsOf(schema: AvroRecordSchema): Pick<Feed, 'schema' | 'fields'> {
  return { schema: tableSchemaFromAvro(schema), fields: schema.fields.map(({ name }) => name) };
}

/** Decodes only: whether the rules are kept is the enricher's to say. */
function decoder(contract: StreamContract, schema: AvroRecordSchema, registry: AvroRegistry) {
  const codec = new AvroCodec(schema, registry);
  const withoutRules = { ...contract, rules: [] };
  return {
    decode: (batch: FetchedBatch): Promise<Outcome[]> => examine(withoutRules, codec, batch),
    decodeAgain: (value: Buffer): EventRecord => codec.decodeAgain(value),
  };
}

function numberIn(record: EventRecord, field: string): number | null {
  const value = record[field];
  return typeof value === 'number' ? value : null;
}

const historyMs = 3_600_000;

/** When this installation accepted the event, epoch milliseconds. */
export function acceptedMs(feed: Feed, input: InputRecord, record: EventRecord): number {
  const receivedMs = feed.receivedMs(record);
  // History that is loaded from files was received long ago, but not by this installation.
  const isHistory = receivedMs === null || receivedMs < input.timestampMs - historyMs;
  return isHistory ? input.timestampMs : receivedMs;
}
