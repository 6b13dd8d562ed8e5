import {
  AvroCodec,
  type AvroRegistry,
  type DeadLetter,
  deadLetterSchema,
  deadLetterTopic,
  type EventRecord,
  type InputSource,
  parseInput,
  type StreamContract,
} from '@windrow/contracts';
import type { OutputRecord, TopicOutput } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import manifest from '../package.json' with { type: 'json' };
import { MessageInspector } from './message-inspector.ts';

/** Kafka's default limit is 1 MiB for a whole batch, its framing included. */
const maxRecordBytes = 900_000;
/** Raw bytes that a dead letter carries; the rest of it needs room too. */
const maxDeadLetterValueBytes = 850_000;

export interface Rejection {
  reason: string;
  message: string;
}

export type Taken = { ok: true; record: EventRecord; output: OutputRecord } | ({ ok: false } & Rejection);

/** Turns inputs of one stream into records of its raw topic. */
export class Intake {
  readonly contract: StreamContract;
  readonly topic: string;
  readonly inspector: MessageInspector;
  readonly #codec: AvroCodec;
  readonly #schemaId: number;

  /** Registers the stream's schema. Errors: SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
  static async open(contract: StreamContract, registry: AvroRegistry): Promise<Intake> {
    const schemaId = await registry.register(contract.topics.raw.name, contract.schema);
    return new Intake(contract, new AvroCodec(contract.schema, registry), schemaId);
  }

  private constructor(contract: StreamContract, codec: AvroCodec, schemaId: number) {
    this.contract = contract;
    this.topic = contract.topics.raw.name;
    this.inspector = new MessageInspector(contract);
    this.#codec = codec;
    this.#schemaId = schemaId;
  }

  /** Whatever the input is, it is either taken or refused with a reason. */
  take(input: unknown, source: InputSource): Taken {
    try {
      const parsed = parseInput(this.contract, input, source);
      if (!parsed.ok) return parsed;
      const { record } = parsed;
      const output = { key: this.contract.key(record), value: this.#codec.encode(record, this.#schemaId) };
      const bytes = output.value.length + Buffer.byteLength(output.key);
      if (bytes <= maxRecordBytes) return { ok: true, record, output };
      return { ok: false, reason: 'too_large', message: `${bytes} bytes as Avro, over ${maxRecordBytes}` };
    } catch (error) {
      // A contract that stumbles over an input must not stop the others.
      const message = error instanceof Error ? error.message : String(error);
      const isEncoding = error instanceof WindrowError && error.code === 'ENCODE_FAILED';
      return { ok: false, reason: isEncoding ? 'not_encodable' : 'not_parsable', message };
    }
  }
}

/** Turns what was refused into records of the dead letters' topic. */
export class Refusals {
  readonly topic = deadLetterTopic.name;
  readonly #codec: AvroCodec;
  readonly #schemaId: number;

  static async open(registry: AvroRegistry): Promise<Refusals> {
    const schemaId = await registry.register(deadLetterTopic.name, deadLetterSchema);
    return new Refusals(new AvroCodec(deadLetterSchema, registry), schemaId);
  }

  private constructor(codec: AvroCodec, schemaId: number) {
    this.#codec = codec;
    this.#schemaId = schemaId;
  }

  /** `raw`: the input's bytes; beyond what fits a Kafka record they are cut, and the header `truncated_from` says so. */
  deadLetter(
    stage: 'load' | 'http',
    stream: string,
    { reason, message }: Rejection,
    raw: Buffer,
    headers: Record<string, string>,
  ): OutputRecord {
    const isCut = raw.length > maxDeadLetterValueBytes;
    const letter: DeadLetter = {
      stage,
      reason,
      message,
      stream,
      topic: null,
      partition: null,
      offset: null,
      key: null,
      value: isCut ? raw.subarray(0, maxDeadLetterValueBytes) : raw,
      headers: { ...headers, ...(isCut && { truncated_from: String(raw.length) }) },
      schema_id: null,
      failed_at: Date.now(),
      attempts: 1,
      service: 'producer',
      version: manifest.version,
    };
    return { key: null, value: this.#codec.encode({ ...letter }, this.#schemaId) };
  }
}

/** The outputs of one send: without topics that have nothing to take. */
export function outputsOf(...outputs: TopicOutput[]): TopicOutput[] {
  return outputs.filter(({ records }) => records.length > 0);
}
