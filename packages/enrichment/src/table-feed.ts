import { AvroCodec, type AvroRegistry, type EventRecord, type StreamContract } from '@windrow/contracts';
import { type Broker, examine, type FetchedBatch, type TopicReader } from '@windrow/pipeline';
import { retry } from '@windrow/runtime';
import { ReferenceTable, type TableRow } from './reference-table.ts';

export interface TableFeedOptions {
  broker: Pick<Broker, 'read' | 'endOffsets'>;
  registry: AvroRegistry;
  /** The stream that is the table. */
  contract: StreamContract;
  toRow(record: EventRecord): TableRow;
}

/** Keeps a reference table as its raw topic has it: the whole topic first, then whatever comes. */
export class TableFeed {
  readonly table = new ReferenceTable();
  readonly contract: StreamContract;
  readonly #broker: TableFeedOptions['broker'];
  readonly #codec: AvroCodec;
  readonly #toRow: TableFeedOptions['toRow'];
  #reader: TopicReader | undefined;
  #asking: Promise<unknown> = Promise.resolve();
  #nextAnswer: Promise<Map<number, number>> | null = null;

  private constructor({ broker, registry, contract, toRow }: TableFeedOptions) {
    this.contract = contract;
    this.#broker = broker;
    this.#codec = new AvroCodec(contract.schema, registry);
    this.#toRow = toRow;
  }

  /** Begins to read; {@link current} says when the table is whole. Error: KAFKA_UNAVAILABLE. */
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
   * Waits until the table has all that the topic had when this was called: so an event that was appended before the call
   * sees every row that was appended before the event. While the broker is away it waits on.
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
   * Callers share a question that is yet to be asked, never one that is under way: its answer may be older than their
   * events. So there is one question at a time, however many partitions wait.
   */
  #endFromNowOn(): Promise<Map<number, number>> {
    this.#nextAnswer ??= this.#asking.then(() => {
      this.#nextAnswer = null;
      const answer = this.#broker.endOffsets(this.contract.topics.raw.name);
      this.#asking = answer.catch(() => undefined);
      return answer;
    });
    return this.#nextAnswer;
  }

  async #apply(batch: FetchedBatch): Promise<void> {
    for (const outcome of await examine(this.contract, this.#codec, batch)) {
      const { key, value } = outcome.input;
      if (outcome.kind === 'ok')
        this.table.put(key?.toString() ?? this.contract.key(outcome.record), this.#toRow(outcome.record));
      else if (value === null && key !== null) this.table.delete(key.toString());
    }
  }
}
