import { AvroCodec, type AvroRegistry, type EventRecord, type StreamContract } from '@windrow/contracts';
import { type Broker, decodeAndCheck, type FetchedBatch, type TopicReader } from '@windrow/pipeline';
import { retry } from '@windrow/runtime';
import { ReferenceTable, type TableRow } from './reference-table.ts';

export interface TableFeedOptions {
  broker: Pick<Broker, 'read' | 'endOffsets'>;
  registry: AvroRegistry;
  /** The stream that is the table. */
  contract: StreamContract;
  toRow(record: EventRecord): TableRow;
}

/** Keeps a reference table up to date with its raw topic, which it reads from the start. */
export class TableFeed {
  readonly table = new ReferenceTable();
  readonly contract: StreamContract;
  readonly #broker: TableFeedOptions['broker'];
  readonly #codec: AvroCodec;
  readonly #toRow: TableFeedOptions['toRow'];
  #reader: TopicReader | undefined;
  #inFlight: Promise<unknown> = Promise.resolve();
  #nextAnswer: Promise<Map<number, number>> | null = null;

  private constructor({ broker, registry, contract, toRow }: TableFeedOptions) {
    this.contract = contract;
    this.#broker = broker;
    this.#codec = new AvroCodec(contract.schema, registry);
    this.#toRow = toRow;
  }

  /**
   * Starts to read the topic; {@link current} waits until the table is complete.
   * @throws WindrowError KAFKA_UNAVAILABLE
   */
  static async open(options: TableFeedOptions): Promise<TableFeed> {
    const feed = new TableFeed(options);
    feed.#reader = await options.broker.read({
      topic: options.contract.topics.raw.name,
      onBatch: (batch) => feed.#apply(batch),
    });
    return feed;
  }

  /** Rejects when the topic can't be read any more. */
  get failed(): Promise<never> {
    return this.#opened.failed;
  }

  /**
   * Waits until the table has every record that was in the topic at the time of the call. So an event that was appended
   * before the call is joined with every row that was appended before the event. Retries while the broker is unavailable.
   */
  async current(signal: AbortSignal): Promise<void> {
    const ends = await retry(() => this.#endFromNowOn(), { signal });
    await this.#opened.reached(ends, signal);
  }

  close(): Promise<void> {
    return this.#opened.close();
  }

  get #opened(): TopicReader {
    return this.#reader as TopicReader;
  }

  /**
   * Callers share the next request for the end offsets, but never the one in flight: its answer may be older than their
   * events. So there is one request at a time for any number of waiting partitions.
   */
  #endFromNowOn(): Promise<Map<number, number>> {
    this.#nextAnswer ??= this.#inFlight.then(() => {
      this.#nextAnswer = null;
      const answer = this.#broker.endOffsets(this.contract.topics.raw.name);
      this.#inFlight = answer.catch(() => undefined);
      return answer;
    });
    return this.#nextAnswer;
  }

  async #apply(batch: FetchedBatch): Promise<void> {
    for (const outcome of await decodeAndCheck(this.contract, this.#codec, batch)) {
      const { key, value } = outcome.input;
      if (outcome.kind === 'ok')
        this.table.put(key?.toString() ?? this.contract.key(outcome.record), this.#toRow(outcome.record));
      else if (value === null && key !== null) this.table.delete(key.toString());
    }
  }
}
