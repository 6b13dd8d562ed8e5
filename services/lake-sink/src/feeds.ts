import {
  type AvroRecordSchema,
  type AvroRegistry,
  deadLetterSchema,
  deadLetterTable,
  deadLetterTopic,
  landedSchema,
  type StreamContract,
} from '@windrow/contracts';
import { type TableSchema, tableSchemaFromAvro } from '@windrow/lake';
import { deadLetterOf, type InputRecord, type Outcome } from '@windrow/pipeline';
import packageJson from '../package.json' with { type: 'json' };
import { ColumnCodec, type OnFallback } from './column-codec.ts';

/** A topic that lands in the lake, and where. */
export interface Feed {
  stream: string;
  topic: string;
  /** Path of the table, below the bucket. */
  table: string;
  /** The fields of the events, then the ledger columns. */
  schema: TableSchema;
  codec: ColumnCodec;
  /** The columns with the time at which it happened, and at which Windrow had it by the event's own account: timestamps. */
  eventTimeColumn: number;
  receivedTimeColumn: number | undefined;
  /**
   * Decodes one record that the codec's columns don't take. `drop`: it makes no row, such as a record that the enricher has
   * dead-lettered. `deadLetter`: the enricher wrote the record and it is invalid all the same.
   * @throws REGISTRY_UNAVAILABLE
   */
  decodeAlone(input: InputRecord, partition: number): Promise<Outcome>;
}

type Refused = Extract<Outcome, { kind: 'deadLetter' }>;

/**
 * Every raw topic in its archive, every enriched topic in its curated table, and the dead letters. The archive takes each
 * record that decodes, whether or not it keeps the rules.
 */
export function feedsOf(
  contracts: StreamContract[],
  registry: AvroRegistry,
  onFallback: (topic: string, ...why: Parameters<OnFallback>) => void,
): Feed[] {
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

function rawFeed(contract: StreamContract, codecOf: CodecOf): Feed {
  const { topics, lake, schema } = contract;
  return feedOf(contract, topics.raw.name, lake.raw, schema, codecOf, ({ input, reason, stage }) => ({
    kind: 'drop',
    input,
    reason: `${stage}/${reason}`,
  }));
}

function curatedFeed(contract: StreamContract, all: StreamContract[], codecOf: CodecOf): Feed[] {
  const { topics, lake } = contract;
  if (!topics.enriched || lake.curated === undefined) return [];
  const schema = landedSchema(contract, all);
  return [
    feedOf(contract, topics.enriched.name, lake.curated, schema, codecOf, (refused) => ({
      ...refused,
      stage: 'lake',
    })),
  ];
}

/** A dead letter that can't be decoded would be one for ever: it lands as a dead letter about itself. */
function deadLetterFeed(codecOf: CodecOf): Feed {
  const { name: topic } = deadLetterTopic;
  const schema = tableSchemaFromAvro(deadLetterSchema);
  const codec = codecOf(topic, deadLetterSchema, schema);
  const failedAt = columnIn(schema, 'failed_at');
  return {
    ...{ stream: topic, topic, table: deadLetterTable, schema, codec },
    eventTimeColumn: failedAt,
    receivedTimeColumn: failedAt,
    async decodeAlone(input, partition) {
      const decoded = await codec.decodeOne(input.value);
      if (decoded.ok) return { kind: 'ok', input, record: decoded.record };
      const refused = { ...decoded, kind: 'deadLetter', input, stage: 'lake' } as const;
      const from = { stream: topic, topic, partition, service: 'lake-sink', version: packageJson.version };
      return {
        kind: 'ok',
        input,
        record: { ...deadLetterOf(refused, from), failed_at: input.timestampMs },
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
  refuse: (refused: Refused) => Outcome,
): Feed {
  const schema = { ...tableSchemaFromAvro(avro), idColumns: id };
  const codec = codecOf(topic, avro, schema);
  const isTable = topics.raw.cleanup !== 'delete';
  return {
    ...{ stream, topic, table, schema, codec },
    eventTimeColumn: columnIn(schema, eventTime),
    receivedTimeColumn: receivedTime === undefined ? undefined : columnIn(schema, receivedTime),
    async decodeAlone(input) {
      if (isTable && input.value === null) return { kind: 'drop', input, reason: 'deletion' };
      const decoded = await codec.decodeOne(input.value);
      if (decoded.ok) return { kind: 'ok', input, record: decoded.record };
      return refuse({ ...decoded, kind: 'deadLetter', input, stage: 'decode' });
    },
  };
}

function columnIn({ columns }: TableSchema, field: string): number {
  return columns.findIndex(({ name }) => name === field);
}
