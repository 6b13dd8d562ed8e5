import { setTimeout as sleep } from 'node:timers/promises';
import { type Readiness, retry, unlessAborted, WindrowError } from '@windrow/runtime';
import type { Broker, Producer, TopicOutput } from './broker.ts';

/** Limits of a group, so that the Kafka client sends it in one request. */
const maxGroupRecords = 1_000;
const maxGroupBytes = 900_000;
/** Limit of the queue. Beyond it, `send` rejects, so that memory stays bounded. */
const maxQueuedBytes = 64 * 1024 * 1024;
/** After an idle time, the first record waits this long for others to join its group. */
const lingerMs = 2;

/** The metrics that a group commit sets. */
export interface GroupCommitMetrics {
  sendSeconds: { startTimer(): () => void };
  sendRecords: { observe(records: number): void };
  queuedBytes: { set(bytes: number): void };
}

interface Entry {
  outputs: TopicOutput[];
  records: number;
  bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Groups the records of concurrent callers and sends each group with one idempotent producer, acks=all. It sends one group at
 * a time, in the order of the callers. This keeps the order of a key, and kafkajs needs it: after a request whose response was
 * lost, kafkajs reuses the sequence numbers. If other records were sent in between, Kafka would take them for duplicates and
 * drop them. For the same reason, a producer is discarded after a failed request.
 */
export class GroupCommit {
  readonly #broker: Broker;
  readonly #metrics: GroupCommitMetrics | undefined;
  readonly #readiness: Readiness | undefined;
  #producer: Producer | undefined;
  /** In the order of the callers. */
  readonly #queue = new Set<Entry>();
  #queuedBytes = 0;
  #running: Promise<void> | undefined;
  readonly #closing = new AbortController();

  /** @param watch `readiness`: its condition `kafka` is met while the last request succeeded */
  constructor(broker: Broker, watch: { metrics?: GroupCommitMetrics; readiness?: Readiness } = {}) {
    this.#broker = broker;
    this.#metrics = watch.metrics;
    this.#readiness = watch.readiness;
  }

  /** Connects to Kafka. @throws WindrowError KAFKA_UNAVAILABLE */
  async open(): Promise<void> {
    this.#producer ??= await unlessAborted(this.#connect(), this.#closing.signal);
    this.#readiness?.met('kafka');
  }

  /**
   * Fulfilled when Kafka has acknowledged all records.
   * @param signal removes the records from the queue; if they are being sent already, the outcome is unknown
   * @throws WindrowError KAFKA_UNAVAILABLE, also when the queue is full; the signal's reason
   */
  send(outputs: TopicOutput[], signal?: AbortSignal): Promise<void> {
    const bytes = sizeOf(outputs);
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > maxQueuedBytes) {
      const message = `${this.#queuedBytes} bytes wait for Kafka already; try again later.`;
      return Promise.reject(new WindrowError('KAFKA_UNAVAILABLE', message, { retriable: true }));
    }
    return new Promise((resolve, reject) => {
      const records = outputs.reduce((sum, output) => sum + output.records.length, 0);
      const entry: Entry = { outputs, records, bytes, resolve, reject };
      const onAbort = () => {
        if (this.#queue.delete(entry)) this.#count(-bytes);
        reject(signal?.reason);
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      const settled = (settle: () => void) => {
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      entry.resolve = () => settled(resolve);
      entry.reject = (error) => settled(() => reject(error));
      this.#queue.add(entry);
      this.#count(bytes);
      this.#running ??= this.#run();
    });
  }

  /** Sends the queued records once, without retries, then closes the producer. */
  async close(): Promise<void> {
    this.#closing.abort(new WindrowError('STOPPED', 'The producer is being stopped.'));
    await this.#running;
    await this.#discardProducer();
  }

  async #connect(): Promise<Producer> {
    const producer = await this.#broker.producer();
    // `open` was aborted, so nobody uses this producer.
    if (this.#closing.signal.aborted) await producer.close();
    return producer;
  }

  async #run(): Promise<void> {
    await sleep(lingerMs);
    while (this.#queue.size > 0) {
      const group = this.#takeGroup();
      try {
        await this.#sendGroup(group);
        this.#settle(group, (entry) => entry.resolve());
      } catch (error) {
        this.#readiness?.unmet('kafka', error instanceof Error ? error.message : String(error));
        await this.#discardProducer();
        this.#settle(group, (entry) => entry.reject(error));
        await this.#reopen();
      }
    }
    this.#running = undefined;
  }

  /** Retries until Kafka is available again, also without waiting callers: readiness depends on it. */
  async #reopen(): Promise<void> {
    try {
      await retry(() => this.open(), { signal: this.#closing.signal });
    } catch (error) {
      const waiting = [...this.#queue];
      this.#queue.clear();
      this.#settle(waiting, (entry) => entry.reject(error));
    }
  }

  #settle(entries: Entry[], settle: (entry: Entry) => void): void {
    for (const entry of entries) {
      settle(entry);
      this.#count(-entry.bytes);
    }
  }

  #takeGroup(): Entry[] {
    const group: Entry[] = [];
    let records = 0;
    let bytes = 0;
    for (const entry of this.#queue) {
      records += entry.records;
      bytes += entry.bytes;
      if (group.length > 0 && (records > maxGroupRecords || bytes > maxGroupBytes)) break;
      group.push(entry);
      this.#queue.delete(entry);
    }
    return group;
  }

  async #sendGroup(group: Entry[]): Promise<void> {
    if (!this.#producer) await this.open();
    const stopTimer = this.#metrics?.sendSeconds.startTimer();
    await this.#producer?.send(group.flatMap((entry) => entry.outputs));
    stopTimer?.();
    this.#metrics?.sendRecords.observe(group.reduce((sum, entry) => sum + entry.records, 0));
  }

  async #discardProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    // The producer is discarded, whether or not it closes properly.
    await producer?.close().catch(() => undefined);
  }

  #count(bytes: number): void {
    this.#queuedBytes += bytes;
    this.#metrics?.queuedBytes.set(this.#queuedBytes);
  }
}

function sizeOf(outputs: TopicOutput[]): number {
  let bytes = 0;
  for (const { records } of outputs) {
    for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.length ?? 0) + 40;
  }
  return bytes;
}
