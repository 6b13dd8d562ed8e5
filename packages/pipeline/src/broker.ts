import type { TopicPartition } from '@windrow/contracts';
import type { WindrowError } from '@windrow/runtime';

/**
 * What Windrow asks of a message broker. `kafka/` implements it with kafkajs, which nothing outside that folder imports.
 * Offsets are numbers (exact to 2^53). All calls fail with a WindrowError: KAFKA_UNAVAILABLE (retriable) where nothing
 * more is said.
 */

/** A partition as a consumer group reads it. */
export interface GroupPartition extends TopicPartition {
  groupId: string;
}

export interface PartitionOffset extends TopicPartition {
  offset: number;
}

export interface InputRecord {
  offset: number;
  /** The broker's time of the record (LogAppendTime), epoch milliseconds. */
  timestampMs: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

/**
 * All there is between two positions of a partition, committed transactions only. Ranges of successive batches of a
 * partition join: `firstOffset` is the former one's `nextOffset`. There may be fewer records than the range is long, or none:
 * control records and compacted ones take offsets too.
 */
export interface FetchedRange extends TopicPartition {
  firstOffset: number;
  nextOffset: number;
  /** The partition's end when it was fetched; lag = endOffset − nextOffset. */
  endOffset: number;
}

export interface FetchedBatch extends FetchedRange {
  records: InputRecord[];
}

/**
 * Some successive records as the broker keeps them, found in place: no object each. Where the records of a range begin or
 * end within what one producer wrote at once, only those of the range are here.
 */
export interface RecordBatch {
  /**
   * The bytes that positions refer to, decompressed. They stay as they are for as long as somebody refers to them; but a
   * small part keeps all that was fetched with it in memory, so copy what is kept for longer than the handler's call.
   */
  readonly source: Buffer;
  readonly count: number;
  /** Ascending; [record]. */
  readonly offsets: Float64Array;
  /** As {@link InputRecord}; [record]. */
  readonly timestampsMs: Float64Array;
  /** Where each value begins in `source`; −1: it is null. */
  readonly valueStarts: Int32Array;
  /** Where each value ends, exclusive; −1: it is null. */
  readonly valueEnds: Int32Array;
  /** One record as an object, key and value as copies: for the few that need it, such as dead letters. */
  record(index: number): InputRecord;
}

/** As {@link FetchedBatch}, without an object for each record. */
export interface FetchedRecordBatches extends FetchedRange {
  batches: RecordBatch[];
}

export interface OutputRecord {
  key: Buffer | string | null;
  value: Buffer | null;
  headers?: Record<string, string>;
  /** Without one the key decides, as in every Kafka client (murmur2). */
  partition?: number;
}

export interface TopicOutput {
  topic: string;
  records: OutputRecord[];
}

/** What a member of a consumer group does with its partitions. It owns buffers and checkpoints; the consumer owns positions. */
export interface Assignee {
  /**
   * Called after every rebalance, and after a failure, once `batch` of the former assignment has ended. Whatever was
   * held of earlier assignments is void: take over, read the own ledger, and say where to start. Partitions that are not
   * answered are not consumed. Failing with a retriable error: called again, with backoff.
   */
  assigned(partitions: TopicPartition[], signal: AbortSignal): Promise<PartitionOffset[]>;
}

export interface GroupHandler extends Assignee {
  /**
   * One batch; the next one of the same partition comes when the promise is fulfilled, and heartbeats go on meanwhile,
   * so waiting here is how a handler holds the flow back. `signal` ends with the assignment. Failing with a retriable
   * error starts the assignment anew from what `assigned` says; any other error stops the consumer.
   */
  batch(batch: FetchedBatch, signal: AbortSignal): Promise<void>;
}

/** A handler that needs the bytes of records, not an object each. Checksums are verified for it. */
export interface RecordBatchHandler extends Assignee {
  /** As {@link GroupHandler.batch}. When the promise is fulfilled, other records take the place of the batches' bytes. */
  recordBatches(fetched: FetchedRecordBatches, signal: AbortSignal): Promise<void>;
}

export interface ConsumeOptions {
  groupId: string;
  topics: string[];
  handler: GroupHandler | RecordBatchHandler;
  /** Partitions whose batches are handled at the same time. */
  concurrency: number;
  /** Called when a rebalance or a failure begins a new assignment, with its reason. */
  onAssignment?: (reason: string, partitions: TopicPartition[]) => void;
  /**
   * Called when what was fetched for a {@link RecordBatchHandler} is not what was written (checksum, lengths). It is fetched
   * again, with backoff; other partitions go on meanwhile.
   */
  onDamage?: (error: WindrowError, of: TopicPartition) => void;
}

export interface GroupConsumer {
  /** Voids the assignment and begins it anew, as after a failing batch: for failures outside `batch`. */
  restart(reason: unknown): void;
  /** Stores positions as the group's offsets. For handlers with a ledger of their own this only serves lag monitoring. */
  commit(offsets: PartitionOffset[]): Promise<void>;
  /** Partitions that are assigned and whose handler has said where to start. */
  positions(): PartitionOffset[];
  /** Rejects when the consumer has stopped by itself. */
  readonly failed: Promise<never>;
  /** No new batch is handed out; ends when running ones have ended. The member stays in the group, for a last commit. */
  pause(): Promise<void>;
  /** Leaves the group; the partitions go to others at once. */
  stop(): Promise<void>;
}

export interface ReadOptions {
  topic: string;
  /** Partition → first offset; partitions that are not named are not read. Without it: all of them from the start. */
  from?: Map<number, number>;
  onBatch(batch: FetchedBatch): Promise<void> | void;
}

/** A reader of its own: it is in no group that others know, commits nothing, and follows the topic until closed. */
export interface TopicReader {
  /** Fulfilled when every partition has been read to its offset; at once where it has been already. */
  reached(offsets: Map<number, number>, signal?: AbortSignal): Promise<void>;
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Idempotent, acks=all. Keeps the order of a call's records within a partition. */
export interface Producer {
  /** Fulfilled when all in-sync replicas have all records. Cuts what is too large for one request. */
  send(outputs: TopicOutput[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * A producer of one transactional id. When it is handed out, former producers of the same id are fenced, and what they
 * left open has been committed or aborted: offsets read from now on are final.
 */
export interface TransactionalProducer {
  /**
   * One transaction: outputs and, where a group is given, its new offsets, all or nothing. On failure the producer is of no
   * more use: close it, open a new one, and find out whether it was committed: by the group's offsets, or the outputs.
   * Errors: KAFKA_FENCED, KAFKA_TRANSACTION_FAILED; both retriable in that sense.
   */
  commit(outputs: TopicOutput[], group?: { groupId: string; offsets: PartitionOffset[] }): Promise<void>;
  close(): Promise<void>;
}

export interface TopicDescription {
  name: string;
  partitions: number;
}

export interface TopicCreation {
  name: string;
  partitions: number;
  config: Record<string, string>;
}

export interface Broker {
  consume(options: ConsumeOptions): Promise<GroupConsumer>;
  read(options: ReadOptions): Promise<TopicReader>;
  producer(): Promise<Producer>;
  /** `moves`: whose offset its transactions move. What former owners left open of that is ended too. */
  transactionalProducer(transactionalId: string, moves?: GroupPartition): Promise<TransactionalProducer>;

  /** Creates those that are missing; the names of the created ones. */
  createTopics(topics: TopicCreation[]): Promise<string[]>;
  /** Those of the names that exist. */
  describeTopics(names: string[]): Promise<TopicDescription[]>;
  /** Partition → where its readers come to an end: the offset after the last record, or of the first open transaction. */
  endOffsets(topic: string): Promise<Map<number, number>>;
  /**
   * Partition → the offset after the last record, in open transactions too. What was committed before the call is before
   * it; readers get there when transactions that are open now have ended, at the latest by their timeout.
   */
  highWatermarks(topic: string): Promise<Map<number, number>>;
  /** Partition → the first offset that is still retained. */
  startOffsets(topic: string): Promise<Map<number, number>>;
  /** Partition → the first offset with a record at or after the time; the end where there is none. */
  offsetsAt(topic: string, timestampMs: number): Promise<Map<number, number>>;
  /** Partition → the group's offset; absent where it has none. */
  committedOffsets(groupId: string, topic: string): Promise<Map<number, number>>;
  /** As {@link committedOffsets}, of these partitions; where a transaction is about to move them, it is waited for. */
  stableOffsets(groupId: string, topic: string, partitions: readonly number[]): Promise<Map<number, number>>;
  close(): Promise<void>;
}
