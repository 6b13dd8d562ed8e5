import type { TopicPartition } from '@windrow/contracts';
import type { WindrowError } from '@windrow/runtime';

/**
 * The interface of a message broker. `kafka/` implements it with kafkajs; nothing outside that folder imports kafkajs.
 * Offsets are numbers (exact to 2^53). All calls fail with a WindrowError, KAFKA_UNAVAILABLE (retriable) unless their
 * description names another.
 */

/** A partition and a consumer group that reads it. */
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
 * A range of a partition's offsets. Only records of committed transactions are in it. Successive ranges of a partition are
 * contiguous: `firstOffset` is the previous range's `nextOffset`. A range may have fewer records than offsets, or none, since
 * control records and compacted records use offsets too.
 */
export interface FetchedRange extends TopicPartition {
  firstOffset: number;
  nextOffset: number;
  /** The end offset of the partition at the time of the fetch; lag = endOffset − nextOffset. */
  endOffset: number;
}

export interface FetchedBatch extends FetchedRange {
  records: InputRecord[];
}

/**
 * Successive records in the broker's format, indexed in place without an object for each. If a fetched range begins or ends
 * within a batch that a producer wrote, only the records of the range are included.
 */
export interface RecordBatch {
  /**
   * The decompressed bytes that positions refer to. They don't change while anything refers to them. But a reference to a
   * small part keeps the whole fetch in memory, so copy the parts that are needed after the handler's call.
   */
  readonly source: Buffer;
  readonly count: number;
  /** Indexed by record, ascending. */
  readonly offsets: Float64Array;
  /** {@link InputRecord.timestampMs}, indexed by record. */
  readonly timestampsMs: Float64Array;
  /** The position in `source` at which each value begins; −1 if the value is null. */
  readonly valueStarts: Int32Array;
  /** The position in `source` after each value; −1 if the value is null. */
  readonly valueEnds: Int32Array;
  /** 1 for each record that has the schema's id in a header (`schemaIdHeaders`); undefined if none has. */
  readonly schemaIdsInHeaders: Uint8Array | undefined;
  /** One record as an object with copies of key and value, for the few records that need it, such as dead letters. */
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
  /** By default the hash of the key selects the partition (murmur2), as in other Kafka clients. */
  partition?: number;
}

export interface TopicOutput {
  topic: string;
  records: OutputRecord[];
}

/** Decides where a member of a consumer group starts to read. It owns buffers and checkpoints; the consumer owns positions. */
export interface Assignee {
  /**
   * Called after every rebalance and after every failure, when the last `batch` call of the previous assignment has ended.
   * Discard everything that was buffered for previous assignments, take over the partitions, and return the offsets to start
   * from, as the ledger has them. Partitions that are not returned are not consumed. After a retriable error it is called
   * again, with backoff.
   */
  assigned(partitions: TopicPartition[], signal: AbortSignal): Promise<PartitionOffset[]>;
}

export interface GroupHandler extends Assignee {
  /**
   * Handles one batch. The next batch of the same partition follows when the promise is fulfilled, and heartbeats continue
   * meanwhile, so a handler applies back-pressure by waiting. `signal` is aborted when the assignment ends. After a retriable
   * error the assignment restarts from the offsets that `assigned` returns; any other error stops the consumer.
   */
  batch(batch: FetchedBatch, signal: AbortSignal): Promise<void>;
}

/** A handler that reads records from their bytes, without an object for each. The consumer verifies the checksums. */
export interface RecordBatchHandler extends Assignee {
  /** Like {@link GroupHandler.batch}. When the promise is fulfilled, the memory of the batches is reused for other records. */
  recordBatches(fetched: FetchedRecordBatches, signal: AbortSignal): Promise<void>;
}

export interface ConsumeOptions {
  groupId: string;
  topics: string[];
  handler: GroupHandler | RecordBatchHandler;
  /** The number of partitions whose batches are handled at the same time. */
  concurrency: number;
  /** Called with the reason when a rebalance or a failure starts a new assignment. */
  onAssignment?: (reason: string, partitions: TopicPartition[]) => void;
  /**
   * Called when data that was fetched for a {@link RecordBatchHandler} is corrupt (wrong checksum or length). The consumer
   * fetches it again, with backoff; other partitions continue meanwhile.
   */
  onDamage?: (error: WindrowError, of: TopicPartition) => void;
}

export interface GroupConsumer {
  /** Restarts the assignment, as after a failed batch: for failures outside of `batch`. */
  restart(reason: unknown): void;
  /** Commits positions as the group's offsets. If the handler has its own ledger, they are only for lag monitoring. */
  commit(offsets: PartitionOffset[]): Promise<void>;
  /** The assigned partitions for which the handler has returned a start offset. */
  positions(): PartitionOffset[];
  /** Rejects when the consumer has stopped by itself. */
  readonly failed: Promise<never>;
  /** Starts no new batch. Fulfilled when running ones have ended. The member stays in the group, for a last commit. */
  pause(): Promise<void>;
  /** Leaves the group, so that its partitions are reassigned at once. */
  stop(): Promise<void>;
}

export interface ReadOptions {
  topic: string;
  /** Partition → first offset; other partitions are not read. Default: all partitions from the start. */
  from?: Map<number, number>;
  onBatch(batch: FetchedBatch): Promise<void> | void;
}

/** Reads a topic outside of the services' consumer groups. It commits nothing and follows the topic until it is closed. */
export interface TopicReader {
  /** Fulfilled when every partition has been read up to its offset. */
  reached(offsets: Map<number, number>, signal?: AbortSignal): Promise<void>;
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Idempotent, with acks=all. Keeps the order of a call's records within a partition. */
export interface Producer {
  /** Fulfilled when all in-sync replicas have all records. Splits a call that is too large for one request. */
  send(outputs: TopicOutput[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * The producer of one transactional id. When it is returned, earlier producers of the same id are fenced, and their open
 * transactions have been committed or aborted: offsets that are read from now on are final.
 */
export interface TransactionalProducer {
  /**
   * Commits the outputs and, if a group is given, its new offsets in one transaction. After an error the producer can't be
   * used any more: close it, open a new one, and read the group's offsets or the outputs to see whether it was committed.
   * @throws WindrowError KAFKA_FENCED or KAFKA_TRANSACTION_FAILED; both are retriable with a new producer
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
  /** @param moves the partition whose group offset the transactions move; earlier owners' open transactions on it end too */
  transactionalProducer(transactionalId: string, moves?: GroupPartition): Promise<TransactionalProducer>;

  /** Creates the missing topics. @returns the names of the created ones */
  createTopics(topics: TopicCreation[]): Promise<string[]>;
  /** @returns the topics of these names that exist */
  describeTopics(names: string[]): Promise<TopicDescription[]>;
  /** Partition → the offset up to which it can be read: after the last record, or of the first open transaction. */
  endOffsets(topic: string): Promise<Map<number, number>>;
  /**
   * Partition → the offset after the last record, including those of open transactions. Everything that was committed before
   * the call is below it. Readers reach it when the open transactions have ended, at the latest by their timeout.
   */
  highWatermarks(topic: string): Promise<Map<number, number>>;
  /** Partition → the first offset that is still retained. */
  startOffsets(topic: string): Promise<Map<number, number>>;
  /** Partition → the first offset with a record at or after the time; the end offset if there is none. */
  offsetsAt(topic: string, timestampMs: number): Promise<Map<number, number>>;
  /** Partition → the group's committed offset; partitions without one are absent. */
  committedOffsets(groupId: string, topic: string): Promise<Map<number, number>>;
  /** {@link committedOffsets} of these partitions, after transactions that are about to commit an offset have ended. */
  stableOffsets(groupId: string, topic: string, partitions: readonly number[]): Promise<Map<number, number>>;
  close(): Promise<void>;
}
