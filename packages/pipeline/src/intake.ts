import {
  AvroCodec,
  type AvroRegistry,
  deadLetterSchema,
  deadLetterTopic,
  type EventRecord,
  type InputSource,
  type InputTraits,
  type InputWarning,
  parseInput,
  type QualityNote,
  type RuleCheck,
  ruleCheck,
  type StreamContract,
} from '@windrow/contracts';
import { WindrowError } from '@windrow/runtime';
import manifest from '../package.json' with { type: 'json' };
import type { OutputRecord, TopicOutput } from './broker.ts';
import { createDeadLetter } from './dead-letter.ts';

/** Kafka's default limit is 1 MiB for a batch, including its framing. */
const maxRecordBytes = 900_000;

export interface Rejection {
  reason: string;
  message: string;
}

/** An accepted input. `notes`: those in its `_quality`. */
export interface Accepted {
  ok: true;
  record: EventRecord;
  output: OutputRecord;
  warnings?: readonly InputWarning[];
  notes?: readonly QualityNote[];
}

/** `broken`: the event of an input that could be parsed and breaks a rule. */
export type Taken =
  | Accepted
  | ({ ok: false; broken?: EventRecord; warnings?: readonly InputWarning[] } & Rejection);

/** Turns inputs of one stream into records of its raw topic. */
export class Intake {
  readonly contract: StreamContract;
  readonly topic: string;
  readonly #codec: AvroCodec;
  readonly #schemaId: number;
  readonly #check: RuleCheck;

  /** Registers the stream's schema. @throws WindrowError SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
  static async open(contract: StreamContract, registry: AvroRegistry): Promise<Intake> {
    const schemaId = await registry.register(contract.topics.raw.name, contract.schema);
    return new Intake(contract, new AvroCodec(contract.schema, registry), schemaId);
  }

  private constructor(contract: StreamContract, codec: AvroCodec, schemaId: number) {
    this.contract = contract;
    this.topic = contract.topics.raw.name;
    this.#codec = codec;
    this.#schemaId = schemaId;
    this.#check = ruleCheck(contract);
  }

  /**
   * Accepts an input or rejects it with a reason; it never throws. The enricher applies the same rules, but only here the sender can be
   * told.
   */
  take(input: unknown, source: InputSource, traits?: InputTraits): Taken {
    try {
      const parsed = parseInput(this.contract, input, source, traits);
      if (!parsed.ok) return parsed;
      const { record, warnings } = parsed;
      const judgement = this.#check(record, parsed.notes);
      if (judgement !== null && !judgement.ok) {
        const { reason, message } = judgement;
        return { ok: false, reason, message, broken: record, ...(warnings && { warnings }) };
      }
      const notes = judgement === null ? parsed.notes : [...(parsed.notes ?? []), ...judgement.notes];
      const output = { key: this.contract.key(record), value: this.#codec.encode(record, this.#schemaId) };
      const bytes = output.value.length + Buffer.byteLength(output.key);
      if (bytes <= maxRecordBytes)
        return { ok: true, record, output, ...(warnings && { warnings }), ...(notes && { notes }) };
      return { ok: false, reason: 'too_large', message: `${bytes} bytes as Avro; at most ${maxRecordBytes}` };
    } catch (error) {
      // A contract that throws for one input must not stop the others.
      const message = error instanceof Error ? error.message : String(error);
      const isEncoding = error instanceof WindrowError && error.code === 'ENCODE_FAILED';
      return { ok: false, reason: isEncoding ? 'not_encodable' : 'not_parsable', message };
    }
  }
}

/** Encodes rejected inputs as records of the dead letter topic. */
export class DeadLetterEncoder {
  readonly topic = deadLetterTopic.name;
  readonly #codec: AvroCodec;
  readonly #schemaId: number;

  /** Registers the dead letters' schema. @throws WindrowError SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
  static async open(registry: AvroRegistry): Promise<DeadLetterEncoder> {
    const schemaId = await registry.register(deadLetterTopic.name, deadLetterSchema);
    return new DeadLetterEncoder(new AvroCodec(deadLetterSchema, registry), schemaId);
  }

  private constructor(codec: AvroCodec, schemaId: number) {
    this.#codec = codec;
    this.#schemaId = schemaId;
  }

  /** @param raw the bytes of the input; truncated if they don't fit into a Kafka record */
  encode(
    stage: 'load' | 'http',
    stream: string,
    { reason, message }: Rejection,
    raw: Buffer,
    headers: Record<string, string>,
  ): OutputRecord {
    const { version } = manifest;
    const letter = createDeadLetter({
      ...{ stage, reason, message, stream, value: raw, headers, service: 'producer', version },
    });
    return { key: null, value: this.#codec.encode({ ...letter }, this.#schemaId) };
  }
}

/** The outputs that have records. */
export function outputsOf(...outputs: TopicOutput[]): TopicOutput[] {
  return outputs.filter(({ records }) => records.length > 0);
}
