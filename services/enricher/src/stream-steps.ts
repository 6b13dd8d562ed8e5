import {
  AvroCodec,
  type AvroRegistry,
  accountSchema,
  type DeadLetter,
  deadLetterSchema,
  type EventRecord,
  enrichedSchema,
  type StreamContract,
} from '@windrow/contracts';
import type { TableFeed } from '@windrow/enrichment';
import { asOfJoin, idReader, type Join } from '@windrow/enrichment';

/** A topic's codec with the id under which its schema is registered. */
export interface Encoder {
  topic: string;
  encode(record: EventRecord): Buffer;
}

/** What the contract of a stream asks for, made ready to run. */
export interface StreamSteps {
  contract: StreamContract;
  rawCodec: AvroCodec;
  /** Null for a stream that is only checked. */
  enriched: Encoder | null;
  /** Null for a stream that keeps its duplicates. */
  dedupe: { horizonMs: number; idOf: (record: EventRecord) => string; idCodec: AvroCodec } | null;
  join: { run: Join; feed: TableFeed } | null;
}

export interface OutputEncoders {
  deadLetters: { topic: string; encode(deadLetter: DeadLetter): Buffer };
  accounts: Encoder;
}

export interface StepsOptions {
  contracts: StreamContract[];
  registry: AvroRegistry;
  /** Topic → its value schema's id. */
  schemaIds: Map<string, number>;
  /** Stream → the table that it is joined with. */
  feeds: Map<string, TableFeed>;
}

export function stepsOf(contract: StreamContract, options: StepsOptions): StreamSteps {
  const { contracts, registry, feeds } = options;
  const { enriched } = contract.topics;
  const feed = feeds.get(contract.name);
  const schema = enrichedSchema(contract, contracts);
  const idFields = schema.fields.filter(({ name }) => contract.id.includes(name));
  return {
    contract,
    rawCodec: new AvroCodec(contract.schema, registry),
    enriched: enriched ? encoderOf(enriched.name, schema, options) : null,
    dedupe:
      enriched && contract.dedupe
        ? {
            horizonMs: contract.dedupe.horizonMs,
            idOf: idReader(contract.id),
            // Of what was enriched only the ids are decoded again.
            idCodec: new AvroCodec({ ...schema, fields: idFields }, registry),
          }
        : null,
    join: feed ? { run: asOfJoin(contract, feed.contract, feed.table), feed } : null,
  };
}

export function outputEncoders(
  topics: { deadLetters: string; accounts: string },
  options: Pick<StepsOptions, 'registry' | 'schemaIds'>,
): OutputEncoders {
  const deadLetters = encoderOf(topics.deadLetters, deadLetterSchema, options);
  return {
    deadLetters: {
      topic: deadLetters.topic,
      encode: (deadLetter) => deadLetters.encode({ ...deadLetter }),
    },
    accounts: encoderOf(topics.accounts, accountSchema, options),
  };
}

function encoderOf(
  topic: string,
  schema: ConstructorParameters<typeof AvroCodec>[0],
  { registry, schemaIds }: Pick<StepsOptions, 'registry' | 'schemaIds'>,
): Encoder {
  const codec = new AvroCodec(schema, registry);
  const schemaId = schemaIds.get(topic);
  if (schemaId === undefined) throw new TypeError(`no schema is registered for ${topic}`);
  return { topic, encode: (record) => codec.encode(record, schemaId) };
}
