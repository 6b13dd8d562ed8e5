import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, type AvroRegistry, type WriteKeyUsage, writeKeyUsageSchema } from '@windrow/contracts';
import type { TopicOutput } from '@windrow/pipeline';
import type { Logger } from '@windrow/runtime';
import { type DailyUsage, dayOf } from './daily-usage.ts';

/** So late, at most, do other instances, and this one after a kill, know of what was let pass. */
const tellEveryMs = 2_000;
const sendTimeoutMs = 5_000;

export interface UsageTellerOptions {
  usage: DailyUsage;
  send(outputs: TopicOutput[], signal: AbortSignal): Promise<void>;
  registry: AvroRegistry;
  topic: string;
  log: Logger;
}

/** Tells other instances what this one has let pass, while it changes. */
export class UsageTeller {
  readonly #options: UsageTellerOptions;
  readonly #codec: AvroCodec;
  readonly #schemaId: number;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  /** Errors: SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE */
  static async start(options: UsageTellerOptions): Promise<UsageTeller> {
    const schemaId = await options.registry.register(options.topic, writeKeyUsageSchema);
    return new UsageTeller(options, schemaId);
  }

  private constructor(options: UsageTellerOptions, schemaId: number) {
    this.#options = options;
    this.#codec = new AvroCodec(writeKeyUsageSchema, options.registry);
    this.#schemaId = schemaId;
    this.#running = this.#run();
  }

  /** Tells what is left to tell. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#tell();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await sleep(tellEveryMs, undefined, { signal }).catch(() => undefined);
      this.#options.usage.forgetBefore(dayOf(Date.now()));
      await this.#tell();
    }
  }

  async #tell(): Promise<void> {
    const { usage, send, topic, log } = this.#options;
    const usages = usage.tell();
    if (usages.length === 0) return;
    try {
      await send(
        [{ topic, records: usages.map((one) => this.#record(one)) }],
        AbortSignal.timeout(sendTimeoutMs),
      );
    } catch (error) {
      usage.keep(usages);
      log.warn({ err: error }, 'other instances could not be told what was sent with keys of a daily quota');
    }
  }

  #record(usage: WriteKeyUsage) {
    const { key_id, day, instance } = usage;
    return { key: `${key_id}/${day}/${instance}`, value: this.#codec.encode({ ...usage }, this.#schemaId) };
  }
}
