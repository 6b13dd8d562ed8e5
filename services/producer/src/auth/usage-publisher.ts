import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, type AvroRegistry, type WriteKeyUsage, writeKeyUsageSchema } from '@windrow/contracts';
import type { TopicOutput } from '@windrow/pipeline';
import type { Logger } from '@windrow/runtime';
import { type DailyUsage, dayOf } from './daily-usage.ts';

/** The delay until other instances count accepted events. If an instance is killed, up to this much of its usage is lost. */
const publishEveryMs = 2_000;
const sendTimeoutMs = 5_000;

export interface UsagePublisherOptions {
  usage: DailyUsage;
  send(outputs: TopicOutput[], signal: AbortSignal): Promise<void>;
  registry: AvroRegistry;
  topic: string;
  log: Logger;
}

/** Publishes the usage counts of this instance when they have changed. */
export class UsagePublisher {
  readonly #options: UsagePublisherOptions;
  readonly #codec: AvroCodec;
  readonly #schemaId: number;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  /** Registers the schema of the usage. @throws WindrowError SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
  static async start(options: UsagePublisherOptions): Promise<UsagePublisher> {
    const schemaId = await options.registry.register(options.topic, writeKeyUsageSchema);
    return new UsagePublisher(options, schemaId);
  }

  private constructor(options: UsagePublisherOptions, schemaId: number) {
    this.#options = options;
    this.#codec = new AvroCodec(writeKeyUsageSchema, options.registry);
    this.#schemaId = schemaId;
    this.#running = this.#run();
  }

  /** Publishes the remaining counts. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#publish();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await sleep(publishEveryMs, undefined, { signal }).catch(() => undefined);
      this.#options.usage.forgetBefore(dayOf(Date.now()));
      await this.#publish();
    }
  }

  async #publish(): Promise<void> {
    const { usage, send, topic, log } = this.#options;
    const usages = usage.takeUnpublished();
    if (usages.length === 0) return;
    try {
      await send(
        [{ topic, records: usages.map((one) => this.#record(one)) }],
        AbortSignal.timeout(sendTimeoutMs),
      );
    } catch (error) {
      usage.putBack(usages);
      log.warn(
        { err: error },
        'can not publish the usage of daily quotas; other instances will count it when a later attempt succeeds',
      );
    }
  }

  #record(usage: WriteKeyUsage) {
    const { key_id, day, instance } = usage;
    return { key: `${key_id}/${day}/${instance}`, value: this.#codec.encode({ ...usage }, this.#schemaId) };
  }
}
