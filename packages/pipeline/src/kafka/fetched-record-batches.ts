import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { WindrowError } from '@windrow/runtime';
import type { KafkaMessage } from 'kafkajs';
import { hold, release } from './answer-room.ts';
import { kafkaError } from './errors.ts';
import { type AbortedTransactions, OldMessageFormat, readRecordSet } from './record-batches.ts';
import type { WalkedRecords } from './walked-records.ts';

// The parts of kafkajs 2.2.4 that are used here; none of them is in the package's types.
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
interface AnswerDecoder {
  decode(raw: Buffer): Promise<{ responses: { topicName: string; partitions: FetchedPartition[] }[] }>;
}

const require = createRequire(import.meta.url);
const messagesModule = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js';
/** Fetch versions with record batches, as far as kafkajs knows them: an answer's decoder is looked up for every request. */
const answerModules = [4, 5, 6, 7, 8, 9, 10, 11].map(
  (version) => `kafkajs/src/protocol/requests/fetch/v${version}/response.js`,
);

type Wanted = 'records' | 'recordBatches';
const wanted = new AsyncLocalStorage<Wanted>();

/**
 * Runs a consumer whose fetches bring what is wanted. It holds for all that the consumer does from then on, and so for what
 * its handler calls: another consumer that is run there says for itself what it wants.
 */
export function fetching<T>(what: Wanted, run: () => Promise<T>): Promise<T> {
  return wanted.run(what, run);
}

/** All that a fetch brought for a partition, as the one message that kafkajs is shown of it. */
class Carrier {
  batches: WalkedRecords[] | undefined;
  readonly damage: WindrowError | undefined;
  /** What kafkajs takes for the last offset. */
  readonly offset: string;
  readonly isControlRecord = false;
  /** Of the answer in which the batches lie. */
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, lastOffset: number | string, batches: WalkedRecords[], damage?: WindrowError) {
    this.#bytes = bytes;
    this.offset = String(lastOffset);
    this.batches = batches;
    this.damage = damage;
    hold(bytes);
  }

  /** Nobody reads the batches any more, nor can. */
  release(): void {
    if (this.batches) release(this.#bytes);
    this.batches = undefined;
  }
}

let isDone = false;

/**
 * Has kafkajs 2.2.4 leave record batches to us, for the consumers that want them: it would make an object and several
 * `Long`s of each record. The rest of a fetch's answer remains kafkajs' to read, in all its versions.
 */
export function teachRecordBatches(): void {
  if (isDone) return;
  isDone = true;
  const decodeMessages = require(messagesModule) as DecodeMessages;
  const cached = require.cache[require.resolve(messagesModule)];
  const takeBytes: DecodeMessages = async (decoder) => {
    if (wanted.getStore() !== 'recordBatches') return decodeMessages(decoder);
    const length = decoder.readInt32();
    return length > 0 ? [decoder.readBytes(length)] : [];
  };
  if (cached) cached.exports = takeBytes;
  for (const name of answerModules) {
    // What has taken kafkajs' own already is loaded anew.
    delete require.cache[require.resolve(name)];
    const decoder = require(name) as AnswerDecoder;
    const { decode } = decoder;
    decoder.decode = async (raw) => {
      const answer = await decode(raw);
      if (wanted.getStore() !== 'recordBatches') return answer;
      for (const { topicName, partitions } of answer.responses) {
        for (const partition of partitions) {
          const [bytes] = partition.messages as Buffer[];
          partition.messages = bytes ? await carry(topicName, partition, bytes) : [];
          partition.abortedTransactions = [];
        }
      }
      return answer;
    };
  }
}

/** Damage counts only when there is nothing before it: what there is comes first, and the next fetch begins behind that. */
async function carry(topic: string, of: FetchedPartition, bytes: Buffer): Promise<Carrier[]> {
  const { batches, lastOffset, damage } = await readRecordSet(bytes, of.abortedTransactions);
  if (lastOffset !== undefined) return [new Carrier(bytes, lastOffset, batches)];
  if (!damage) return [];
  // kafkajs leaves out what lies before the offset that it has asked for; the end never does.
  return [new Carrier(bytes, of.highWatermark, [], damageError(`${topic}/${of.partition}`, damage))];
}

function damageError(name: string, { offset, error }: { offset: number; error: unknown }): WindrowError {
  if (!(error instanceof OldMessageFormat))
    return kafkaError(`give ${name} as it was written from offset ${offset} on`, error);
  const text = `${name} can't be read from offset ${offset} on: ${error.message}, from before Kafka 0.11. Copy its records to a new topic`;
  return new WindrowError('DECODE_FAILED', text, { cause: error });
}

/** Why nothing can be made of what was fetched. */
export function damageOf(messages: KafkaMessage[]): WindrowError | undefined {
  const [message] = messages as unknown[];
  return message instanceof Carrier ? message.damage : undefined;
}

/** Error: KAFKA_UNAVAILABLE, not retriable. */
export function recordBatchesOf(messages: KafkaMessage[]): WalkedRecords[] {
  return (messages as unknown[]).flatMap((message) => {
    if (message instanceof Carrier) {
      if (message.batches) return message.batches;
      throw new Error(
        'what was fetched has been handled before, and its bytes are those of another fetch by now',
      );
    }
    const text = 'this Kafka answers fetches as it did before 0.11, without record batches: it is too old';
    throw new WindrowError('KAFKA_UNAVAILABLE', text);
  });
}

/** To be called when nobody reads the batches of the messages any more. What is never released is left to the garbage collector. */
export function releaseRecordBatches(messages: KafkaMessage[]): void {
  for (const message of messages as unknown[]) if (message instanceof Carrier) message.release();
}
