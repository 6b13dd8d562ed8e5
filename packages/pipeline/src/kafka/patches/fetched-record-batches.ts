import { AsyncLocalStorage } from 'node:async_hooks';
import { WindrowError } from '@windrow/runtime';
import type { KafkaMessage } from 'kafkajs';
import { kafkaError } from '../errors.ts';
import type { RecordBatchView } from '../record-batch-view.ts';
import { type AbortedTransactions, OldMessageFormat, readRecordSet } from '../record-batches.ts';
import { responseBuffers } from '../response-buffer-pool.ts';
import { internalModule, reloadModule, replaceModule } from './kafkajs-internals.ts';

interface Decoder {
  readInt32(): number;
  readBytes(length: number): Buffer;
}
type DecodeMessages = (decoder: Decoder) => Promise<unknown[]>;
interface FetchedPartition {
  partition: number;
  highWatermark: string;
  abortedTransactions: AbortedTransactions;
  messages: unknown[];
}
interface ResponseDecoder {
  decode(raw: Buffer): Promise<{ responses: { topicName: string; partitions: FetchedPartition[] }[] }>;
}

const messagesModule = 'protocol/requests/fetch/v4/decodeMessages.js';
/** The versions of the fetch request with record batches, as far as kafkajs supports them. */
const responseModules = [4, 5, 6, 7, 8, 9, 10, 11].map(
  (version) => `protocol/requests/fetch/v${version}/response.js`,
);

type FetchedForm = 'records' | 'recordBatches';
const requested = new AsyncLocalStorage<FetchedForm>();

/**
 * Runs a consumer that fetches in this form. It applies to everything that the consumer does from then on, its handler's
 * calls included: another consumer that is run there states its own form.
 */
export function fetching<T>(form: FetchedForm, run: () => Promise<T>): Promise<T> {
  return requested.run(form, run);
}

/** Everything that was fetched of a partition. kafkajs takes it for one message. */
class Carrier {
  batches: RecordBatchView[] | undefined;
  readonly damage: WindrowError | undefined;
  /** kafkajs takes it for the last offset. */
  readonly offset: string;
  readonly isControlRecord = false;
  /** The part of the response that the batches refer to. */
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, lastOffset: number | string, batches: RecordBatchView[], damage?: WindrowError) {
    this.#bytes = bytes;
    this.offset = String(lastOffset);
    this.batches = batches;
    this.damage = damage;
    responseBuffers.retain(bytes);
  }

  /** Takes the batches away, because their bytes are used again. */
  release(): void {
    if (this.batches) responseBuffers.release(this.#bytes);
    this.batches = undefined;
  }
}

/**
 * Leaves record batches undecoded for the consumers that want them: kafkajs makes an object and several `Long`s of each
 * record. kafkajs still decodes the rest of a fetch response, in all its versions.
 */
export function decodeRecordBatches(): void {
  const decodeMessages = internalModule<DecodeMessages>(messagesModule);
  const takeBytes: DecodeMessages = async (decoder) => {
    if (requested.getStore() !== 'recordBatches') return decodeMessages(decoder);
    const length = decoder.readInt32();
    return length > 0 ? [decoder.readBytes(length)] : [];
  };
  replaceModule(messagesModule, takeBytes);
  for (const module of responseModules) {
    // A decoder that was loaded before has kept kafkajs' `decodeMessages`.
    reloadModule(module);
    const decoder = internalModule<ResponseDecoder>(module);
    const { decode } = decoder;
    decoder.decode = async (raw) => {
      const response = await decode(raw);
      if (requested.getStore() !== 'recordBatches') return response;
      for (const { topicName, partitions } of response.responses) {
        for (const partition of partitions) {
          const [bytes] = partition.messages as Buffer[];
          partition.messages = bytes ? await carry(topicName, partition, bytes) : [];
          partition.abortedTransactions = [];
        }
      }
      return response;
    };
  }
}

/** Damage is reported when no batch comes before it. Otherwise these are delivered, and the next fetch begins at the damage. */
async function carry(topic: string, of: FetchedPartition, bytes: Buffer): Promise<Carrier[]> {
  const { batches, lastOffset, damage } = await readRecordSet(bytes, of.abortedTransactions);
  if (lastOffset !== undefined) return [new Carrier(bytes, lastOffset, batches)];
  if (!damage) return [];
  // kafkajs drops messages below the offset that it has requested. The high watermark is never below it.
  return [new Carrier(bytes, of.highWatermark, [], damageError(`${topic}/${of.partition}`, damage))];
}

function damageError(name: string, { offset, error }: { offset: number; error: unknown }): WindrowError {
  if (!(error instanceof OldMessageFormat))
    return kafkaError(`return intact records of ${name} from offset ${offset} on`, error);
  const text = `${name} can't be read from offset ${offset} on: ${error.message}, which is older than Kafka 0.11. Copy the records to a new topic`;
  return new WindrowError('DECODE_FAILED', text, { cause: error });
}

/** Why the fetched bytes can't be read, if so. */
export function damageOf(messages: KafkaMessage[]): WindrowError | undefined {
  const [message] = messages as unknown[];
  return message instanceof Carrier ? message.damage : undefined;
}

/** @throws WindrowError KAFKA_UNAVAILABLE, not retriable, where the broker is older than record batches */
export function recordBatchesOf(messages: KafkaMessage[]): RecordBatchView[] {
  return (messages as unknown[]).flatMap((message) => {
    if (message instanceof Carrier) {
      if (message.batches) return message.batches;
      throw new Error('these record batches were released before, and their memory is used by another fetch');
    }
    const text =
      'the broker returns no record batches: it is older than Kafka 0.11, and Windrow needs a later one';
    throw new WindrowError('KAFKA_UNAVAILABLE', text);
  });
}

/** To be called when nobody reads the batches any more. Memory that is never released is left to the garbage collector. */
export function releaseRecordBatches(messages: KafkaMessage[]): void {
  for (const message of messages as unknown[]) if (message instanceof Carrier) message.release();
}
