import { AvroCodec, type AvroRegistry, deadLetterSchema, deadLetterTopic } from '@windrow/contracts';
import type { Broker, Producer } from './broker.ts';
import { deadLetterOf, type Outcome } from './examine.ts';

/** A record that can't go on, and the partition it was read from. */
export type Refusal = Extract<Outcome, { kind: 'deadLetter' }> & { partition: number };

/**
 * The dead letters of a sink, which has no Kafka transaction: they are safe before its ledger passes their records, so a
 * crash in between sends them again, with the same topic, partition and offset.
 */
export class DeadLetters {
  readonly #broker: Broker;
  readonly #registry: AvroRegistry;
  readonly #codec: AvroCodec;
  readonly #from: { service: string; version: string };
  #schemaId: number | undefined;
  /** Opened with the first dead letter: most sinks never have one. */
  #producer: Producer | undefined;

  constructor(broker: Broker, registry: AvroRegistry, from: { service: string; version: string }) {
    this.#broker = broker;
    this.#registry = registry;
    this.#from = from;
    this.#codec = new AvroCodec(deadLetterSchema, registry);
  }

  /** Fulfilled when all of them are safe (acks=all). Errors: KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE. */
  async send(feed: { stream: string; topic: string }, refusals: readonly Refusal[]): Promise<void> {
    if (refusals.length === 0) return;
    this.#schemaId ??= await this.#registry.register(deadLetterTopic.name, deadLetterSchema);
    const schemaId = this.#schemaId;
    const records = refusals.map((refusal) => {
      const { stream, topic } = feed;
      const letter = deadLetterOf(refusal, { stream, topic, partition: refusal.partition, ...this.#from });
      return { key: refusal.input.key, value: this.#codec.encode({ ...letter }, schemaId) };
    });
    this.#producer ??= await this.#broker.producer();
    await this.#producer.send([{ topic: deadLetterTopic.name, records }]);
  }

  async close(): Promise<void> {
    await this.#producer?.close();
    this.#producer = undefined;
  }
}
