import type { FetchedRange, RejectedRecord } from '@windrow/pipeline';

/** Where a claimed partition continues, according to the destination's ledger. */
export interface LedgerPosition {
  readonly partition: number;
  /** Every offset below it has landed. */
  readonly nextOffset: number;
  /** Nothing of the partition has landed yet. Records that Kafka deleted before are then not counted as expired. */
  readonly isNew: boolean;
}

/** The right to land some partitions of a topic until another process claims one of them. */
export interface Claim {
  /** In ascending order of partitions. */
  readonly positions: readonly LedgerPosition[];
}

/** The offsets of one partition that a micro-batch covers. Records that make no row are covered too. */
export interface OffsetRange {
  readonly partition: number;
  /** Inclusive. The ledger must be here before the micro-batch lands. */
  readonly fromOffset: number;
  /** Exclusive. The ledger is here afterwards. */
  readonly nextOffset: number;
}

/** Rows that land together, in whatever form the destination holds them. */
export interface MicroBatch {
  /** Compared with {@link Limits.maxRows}. */
  readonly rowCount: number;
  /** The memory that the rows take, in bytes. Compared with {@link Limits.maxBytes} and with the memory budget. */
  readonly usedBytes: number;
  /** A limit of the destination's own is reached, such as the number of day partitions in one transaction. */
  readonly isFull?: boolean;
}

/** A micro-batch is cut when it reaches one of these. */
export interface Limits {
  maxRows: number;
  maxBytes: number;
  /** Milliseconds since its first record. */
  maxAgeMs: number;
}

/** Some successive records of a partition, decoded, on their way into micro-batches. */
export interface DecodedRecords<Batch> {
  readonly count: number;
  offsetAt(index: number): number;
  /**
   * Adds the records `from` (inclusive) to `to` (exclusive). May stop after any record, and should when `isFull()`.
   * @returns the index of the first record that was not added. `from`: it has to be decoded by {@link decodeAlone}
   */
  take(batch: Batch, from: number, to: number, isFull: () => boolean): number;
  /**
   * Decodes one record that `take` can't, and returns what adds it. Called again while it throws retriable errors.
   * Required where `take` may return `from`.
   */
  decodeAlone?(index: number): Promise<(batch: Batch) => void>;
}

/** Decodes some records. Called again while it throws retriable errors, such as REGISTRY_UNAVAILABLE. */
export type Decode<Batch> = () => Promise<DecodedRecords<Batch>>;

/** What {@link Destination.land} needs to know and to call. */
export interface Landing<C extends Claim = Claim> {
  readonly claim: C;
  /** In ascending order of partitions. */
  readonly ranges: readonly OffsetRange[];
  /** Aborted when the micro-batch is void: the partitions were revoked, or the time for stopping is over. */
  readonly signal: AbortSignal;
  /** Aborted when the time for stopping is over: end what is under way too. */
  readonly hardStop: AbortSignal;
  /**
   * Calls until it succeeds, with backoff, and shows the sink as not ready meanwhile. LEDGER_LOST and KAFKA_FENCED are not
   * retried: another process has claimed a partition, so the ledger has to be read again.
   * @throws the last error, or the reason of `signal`
   */
  retry<T>(call: () => Promise<T>): Promise<T>;
  /**
   * Sends rejected records to the dead-letter topic, each once, also when it is called again after a crash. Call it before
   * the ledger passes their offsets.
   * @throws KAFKA_FENCED; KAFKA_TRANSACTION_FAILED, KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE, which are worth a retry
   */
  sendDeadLetters(rejected: readonly RejectedRecord[]): Promise<void>;
}

/**
 * Where one topic lands: a table, a folder or anything else that can commit rows and offsets together. The runner claims,
 * fills micro-batches, lands them one after the other for each partition, and claims again after every error. The
 * destination has one duty: `land` moves the ledger from each range's `fromOffset` to its `nextOffset` in the same atomic
 * step that makes the rows visible, and only while its claim holds.
 *
 * `packages/sink/src/testing/destination-contract.ts` tests it.
 */
export interface Destination<Batch extends MicroBatch, C extends Claim, Fetched extends FetchedRange> {
  readonly stream: string;
  readonly topic: string;
  /** Names it in logs, errors and readiness conditions. */
  readonly table: string;
  /** Completes the sentence "To load the topic from its start, …". */
  readonly howToReset: string;
  /**
   * Takes the partitions over from any other process and reads the ledger. No micro-batch of a former claim may land from
   * the moment that it returns.
   * @param partitions those of this process; may be empty
   * @param retained partition → the first offset that Kafka still has, of every partition of the topic
   * @throws retriable errors: it is called again
   */
  claim(partitions: readonly number[], retained: ReadonlyMap<number, number>): Promise<C>;
  /** The claim is void: another assignment has begun. `claim` follows. */
  revoke?(): void;
  /** An empty micro-batch. */
  newBatch(claim: C): Batch;
  /** Cuts a fetched range into parts that are decoded one after the other. */
  decode(fetched: Fetched): Iterable<Decode<Batch>>;
  /**
   * Lands the micro-batch, or throws. After a commit whose answer was lost it finds out whether the commit was made.
   * @throws LEDGER_LOST (retriable) when another process has claimed a partition: nothing has landed then. Any retriable
   * error: the ledger is read again. Any other error stops the sink
   */
  land(batch: Batch, landing: Landing<C>): Promise<void>;
  /** The micro-batch has landed or is void, and is not used again. */
  release?(batch: Batch): void;
  /** The memory budget is used up: free memory that holds no rows. */
  trim?(): void;
  /** Counts offsets that Kafka deleted before they were read. */
  onExpired(offsets: number): void;
  /** Ends what `land` may have left under way. Nothing lands any more. */
  close?(): Promise<void>;
}
