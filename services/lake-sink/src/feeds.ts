import {
  type AvroRecordSchema,
  type AvroRegistry,
  deadLetterSchema,
  deadLetterTable,
  deadLetterTopic,
  landedSchema,
  type StreamContract,
  schemaIdInHeader,
} from '@windrow/contracts';
import { type TableSchema, tableSchemaFromAvro } from '@windrow/lake';
import { deadLetterOf, type InputRecord, type Outcome, rejectedForHeader } from '@windrow/pipeline';
import packageJson from '../package.json' with { type: 'json' };
import { ColumnCodec, type OnFallback } from './column-codec.ts';

/** A topic and the lake table that it is to fill. */
export interface PlannedFeed {
  stream: string;
  topic: string;
  /** The path of the table in the bucket. */
  table: string;
  /** The fields of the events, then the ledger columns. */
  schema: TableSchema;
  /** The feed of the table, whose schema may have text where that of the contract has nested columns. */
  into(schema: TableSchema): Feed;
}

/** A topic and the lake table that it fills. */
export interface Feed extends Omit<PlannedFeed, 'into'> {
  /** Of the table. */
  schema: TableSchema;
  codec: ColumnCodec;
  /** The indexes of the timestamp columns with the event time and with the time at which Windrow received the event. */
  eventTimeColumn: number;
  receivedTimeColumn: number | undefined;
  /**
   * Decodes one record that the codec's columns don't take. `drop`: it makes no row, such as a record that the enricher has
   * dead-lettered. `deadLetter`: the enricher wrote the record and it is invalid all the same.
   * @throws WindrowError REGISTRY_UNAVAILABLE
   */
  decodeAlone(input: InputRecord, partition: number): Promise<Outcome>;
}

type Rejected = Extract<Outcome, { kind: 'deadLetter' }>;

/**
 * A feed for every raw table, every curated table and the dead letters. A raw table gets each record that can be decoded, also one
 * that breaks a rule.
 */
export function feedsOf(
  contracts: StreamContract[],
  registry: AvroRegistry,
  onFallback: (topic: string, ...why: Parameters<OnFallback>) => void,
): PlannedFeed[] {
  const codecOf = (topic: string, avro: AvroRecordSchema, table: TableSchema) =>
    new ColumnCodec(avro, table, registry, (...why) => onFallback(topic, ...why));
  return [
    ...contracts.flatMap((contract) => [
      rawFeed(contract, codecOf),
      ...curatedFeed(contract, contracts, codecOf),
    ]),
    deadLetterFeed(codecOf),
  ];
}

type CodecOf = (topic: string, avro: AvroRecordSchema, table: TableSchema) => ColumnCodec;

function rawFeed(contract: StreamContract, codecOf: CodecOf): PlannedFeed {
  const { topics, lake, schema } = contract;
  return feedOf(contract, topics.raw.name, lake.raw, schema, codecOf, ({ input, reason, stage }) => ({
    kind: 'drop',
    input,
    reason: `${stage}/${reason}`,
  }));
}

function curatedFeed(contract: StreamContract, all: StreamContract[], codecOf: CodecOf): PlannedFeed[] {
  const { topics, lake } = contract;
  if (!topics.enriched || lake.curated === undefined) return [];
  const schema = landedSchema(contract, all);
  return [
    feedOf(contract, topics.enriched.name, lake.curated, schema, codecOf, (rejected) => ({
      ...rejected,
      stage: 'lake',
    })),
  ];
}

/** A dead letter that can't be decoded must not become another dead letter. The table gets a row that describes it. */
function deadLetterFeed(codecOf: CodecOf): PlannedFeed {
  const { name: topic } = deadLetterTopic;
  const planned = { stream: topic, topic, table: deadLetterTable };
  const into = (schema: TableSchema) => deadLettersInto(schema, planned, codecOf);
  return { ...planned, schema: tableSchemaFromAvro(deadLetterSchema), into };
}

function deadLettersInto(
  schema: TableSchema,
  planned: Pick<Feed, 'stream' | 'topic' | 'table'>,
  codecOf: CodecOf,
): Feed {
  const { topic } = planned;
  const codec = codecOf(topic, deadLetterSchema, schema);
  const failedAt = columnIn(schema, 'failed_at');
  return {
    ...{ ...planned, schema, codec },
    eventTimeColumn: failedAt,
    receivedTimeColumn: failedAt,
    async decodeAlone(input, partition) {
      const decoded = await codec.decodeOne(input.value);
      if (decoded.ok) return { kind: 'ok', input, record: decoded.record };
      const rejected = { ...decoded, kind: 'deadLetter', input, stage: 'lake' } as const;
      const from = { stream: topic, topic, partition, service: 'lake-sink', version: packageJson.version };
      return {
        kind: 'ok',
        input,
        record: { ...deadLetterOf(rejected, from), failed_at: input.timestampMs },
      };
    },
  };
}

function feedOf(
  { name: stream, eventTime, id, receivedTime, topics }: StreamContract,
  topic: string,
  table: string,
  avro: AvroRecordSchema,
  codecOf: CodecOf,
  reject: (rejected: Rejected) => Outcome,
): PlannedFeed {
  const isTable = topics.raw.cleanup !== 'delete';
  const into = (schema: TableSchema): Feed => {
    const codec = codecOf(topic, avro, schema);
    return {
      ...{ stream, topic, table, schema, codec },
      eventTimeColumn: columnIn(schema, eventTime),
      receivedTimeColumn: receivedTime === undefined ? undefined : columnIn(schema, receivedTime),
      async decodeAlone(input) {
        if (isTable && input.value === null) return { kind: 'drop', input, reason: 'deletion' };
        const headerWithId = input.value === null ? null : schemaIdInHeader(input.headers);
        if (headerWithId !== null) return reject(rejectedForHeader(input, headerWithId));
        const decoded = await codec.decodeOne(input.value);
        if (decoded.ok) return { kind: 'ok', input, record: decoded.record };
        const rejected = { ...decoded, kind: 'deadLetter', input } as const;
        // The enricher has accepted the record: without a dead letter of the sink, nobody would see that the row is missing.
        if (decoded.reason === 'not_storable') return { ...rejected, stage: 'lake' };
        return reject({ ...rejected, stage: 'decode' });
      },
    };
  };
  return { stream, topic, table, schema: { ...tableSchemaFromAvro(avro), idColumns: id }, into };
}

function columnIn({ columns }: TableSchema, field: string): number {
  return columns.findIndex(({ name }) => name === field);
}
