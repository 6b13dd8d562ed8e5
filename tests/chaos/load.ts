import { setTimeout as sleep } from 'node:timers/promises';
import { AvroCodec, type AvroRegistry, type StreamContract } from '@windrow/contracts';
import type { KafkaBroker, OutputRecord, Producer } from '@windrow/pipeline';
import { must } from '@windrow/runtime/testing';
import { Draw } from './draw.ts';
import {
  againstTheRules,
  type ChaosEvent,
  eventNumber,
  observationNumber,
  rawRecord,
  segmentMessage,
} from './events.ts';

const batchSize = 20;
const pauseMs = 250;
/** The timeout of a request. Afterwards it is unknown whether the batch was accepted, so it is sent again. */
const answerWithinMs = 15_000;
const duplicateShare = 0.1;
const brokenShare = 0.03;
const undecodableShare = 0.03;
const refusedBatchShare = 0.1;

/** The events that HTTP 200 or Kafka has acknowledged. */
export interface Accepted {
  /** Valid events. */
  ids: Set<string>;
  /** Values (hex) of records sent directly to Kafka that break a rule or can't be decoded. */
  bad: Set<string>;
  /** `city@time` of the weather. */
  observations: Set<string>;
  /** Events that were sent again although they had been acknowledged. */
  duplicates: number;
  /** Batches that were sent again because they failed or their outcome was unknown. */
  retries: number;
  /** Responses with status 400 for messages that are invalid on purpose. */
  refused: number;
}

export interface LoadOptions {
  seed: number;
  run: string;
  /** The addresses of the producers. */
  producers: string[];
  broker: KafkaBroker;
  registry: AvroRegistry;
  track: StreamContract;
  signal: AbortSignal;
}

/** Sends events at a steady rate over HTTP and directly to Kafka, and repeats each until it is acknowledged. */
export class Load {
  readonly accepted: Accepted = {
    ids: new Set(),
    bad: new Set(),
    observations: new Set(),
    duplicates: 0,
    retries: 0,
    refused: 0,
  };
  readonly #options: LoadOptions;
  readonly #workers: Promise<void>[];
  #next = 0;
  #stopping = false;

  private constructor(options: LoadOptions, codec: AvroCodec, schemaId: number) {
    this.#options = options;
    const { seed, producers } = options;
    const overHttp = producers.map((_, index) => this.#overHttp(index, new Draw(seed + 1 + index)));
    this.#workers = [...overHttp, this.#toKafka(codec, schemaId, new Draw(seed - 1)), this.#weather()];
    for (const worker of this.#workers) worker.catch(() => undefined);
  }

  static async start(options: LoadOptions): Promise<Load> {
    const { registry, track } = options;
    const schemaId = await registry.register(track.topics.raw.name, track.schema);
    return new Load(options, new AvroCodec(track.schema, registry), schemaId);
  }

  /** Fulfilled when the running batches are acknowledged. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#workers);
  }

  /** New events and some that were accepted before. */
  #batch(draw: Draw, own: ChaosEvent[]): ChaosEvent[] {
    const { run } = this.#options;
    return Array.from({ length: batchSize }, () => {
      if (own.length > 0 && draw.chance(duplicateShare)) {
        this.accepted.duplicates += 1;
        return draw.one(own);
      }
      return eventNumber(run, this.#next++);
    });
  }

  #accept(batch: ChaosEvent[], own: ChaosEvent[]): void {
    for (const event of batch) this.accepted.ids.add(event.id);
    own.push(...batch);
    own.splice(0, own.length - 2_000);
  }

  async #overHttp(first: number, draw: Draw): Promise<void> {
    const { run } = this.#options;
    const own: ChaosEvent[] = [];
    for (let round = 0; this.#goesOn(); round++) {
      const batch = this.#batch(draw, own);
      const isRefused = draw.chance(refusedBatchShare);
      const bad = { ...segmentMessage(eventNumber(`${run}-refused-${first}`, round)), type: 'nonsense' };
      const messages = batch.map((event) => segmentMessage(event));
      const status = await this.#post(
        '/v1/batch',
        { batch: isRefused ? [...messages, bad] : messages },
        first,
      );
      if (status !== (isRefused ? 400 : 200)) throw new Error(`a batch was answered with ${status}`);
      if (isRefused) this.accepted.refused += 1;
      this.#accept(batch, own);
      await this.#pause();
    }
  }

  async #weather(): Promise<void> {
    for (let n = 0; this.#goesOn(); n++) {
      const observation = observationNumber(n);
      const status = await this.#post('/v1/weather', observation, n);
      if (status !== 200) throw new Error(`an observation was answered with ${status}`);
      this.accepted.observations.add(`${observation.city}@${observation.observed_at}`);
      await this.#pause();
    }
  }

  /** Repeats the request, alternating between the producers, until one accepts or rejects it. */
  async #post(path: string, body: object, first: number): Promise<number> {
    const { producers, signal } = this.#options;
    for (let attempt = first; ; attempt++) {
      signal.throwIfAborted();
      try {
        const response = await fetch(`${producers[attempt % producers.length]}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(answerWithinMs),
        });
        await response.arrayBuffer();
        if (response.status < 500) return response.status;
      } catch {
        // No response or an incomplete one: the outcome is unknown.
      }
      this.accepted.retries += 1;
      await this.#pause();
    }
  }

  async #toKafka(codec: AvroCodec, schemaId: number, draw: Draw): Promise<void> {
    const { run, track } = this.#options;
    const fields = track.schema.fields.map(({ name }) => name);
    const own: ChaosEvent[] = [];
    const outputOf = (event: ChaosEvent): OutputRecord => {
      const record = rawRecord(event, fields);
      return { key: track.key(record), value: codec.encode(record, schemaId) };
    };
    for (let round = 0; this.#goesOn(); round++) {
      const batch = this.#batch(draw, own);
      const bad: OutputRecord[] = [];
      for (const event of batch) {
        if (draw.chance(brokenShare)) bad.push(outputOf(againstTheRules(event)));
        if (draw.chance(undecodableShare)) {
          bad.push({ key: event.user, value: Buffer.from(`undecodable ${run} ${round} ${bad.length}`) });
        }
      }
      await this.#send([...batch.map(outputOf), ...bad]);
      for (const { value } of bad) this.accepted.bad.add(must(value ?? undefined).toString('hex'));
      this.#accept(batch, own);
      await this.#pause();
    }
    await this.#closeProducer();
  }

  #producer: Producer | undefined;

  async #send(records: OutputRecord[]): Promise<void> {
    const { broker, track, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      try {
        this.#producer ??= await broker.producer();
        await this.#producer.send([{ topic: track.topics.raw.name, records }]);
        return;
      } catch {
        await this.#closeProducer();
        this.accepted.retries += 1;
        await this.#pause();
      }
    }
  }

  async #closeProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close().catch(() => undefined);
  }

  #goesOn(): boolean {
    return !this.#stopping && !this.#options.signal.aborted;
  }

  async #pause(): Promise<void> {
    await sleep(pauseMs, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }
}
