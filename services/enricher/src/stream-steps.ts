import {
  AvroCodec,
  type AvroRecordSchema,
  type AvroRegistry,
  accountSchema,
  type DeadLetter,
  deadLetterSchema,
  type EventRecord,
  enrichedSchema,
  matchFieldOf,
  type StreamContract,
} from '@windrow/contracts';
import { type Enrichment, idReader, joinsOf } from '@windrow/enrichment';

/** Encodes records of one topic with its registered schema. */
export interface Encoder {
  topic: string;
  encode(record: EventRecord): Buffer;
}

/** Everything that the enricher runs for the events of one stream. */
export interface StreamSteps {
  contract: StreamContract;
  rawCodec: AvroCodec;
  /** Null for a stream that is only checked. */
  enriched: Encoder | null;
  /** Null for a stream that keeps its duplicates. */
  dedupe: { horizonMs: number; idOf: (record: EventRecord) => string; idCodec: AvroCodec } | null;
  enrichment: Pick<Enrichment, 'run' | 'current'>;
  /** The prefix of each as-of join, and the field of the enriched record with its result. */
  joins: { join: string; matchField: string }[];
}

export interface OutputEncoders {
  deadLetters: { topic: string; encode(deadLetter: DeadLetter): Buffer };
  accounts: Encoder;
}

export interface StepsOptions {
  contracts: StreamContract[];
  registry: AvroRegistry;
  /** Topic → the id of its value schema. */
  schemaIds: Map<string, number>;
}

export function stepsOf(
  contract: StreamContract,
  enrichment: StreamSteps['enrichment'],
  options: StepsOptions,
): StreamSteps {
  const { contracts, registry } = options;
  const { enriched } = contract.topics;
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
            // A takeover decodes only the ids of enriched events.
            idCodec: new AvroCodec({ ...schema, fields: idFields }, registry),
          }
        : null,
    enrichment,
    joins: joinsOf(contract).map((join) => ({ join: join.prefix, matchField: matchFieldOf(join) })),
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
  schema: AvroRecordSchema,
  { registry, schemaIds }: Pick<StepsOptions, 'registry' | 'schemaIds'>,
): Encoder {
  const codec = new AvroCodec(schema, registry);
  const schemaId = schemaIds.get(topic);
  if (schemaId === undefined) throw new TypeError(`no schema is registered for ${topic}`);
  return { topic, encode: (record) => codec.encode(record, schemaId) };
}
