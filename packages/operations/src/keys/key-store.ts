import { randomBytes } from 'node:crypto';
import {
  AvroCodec,
  type AvroRegistry,
  digestOf,
  prefixOf,
  randomWriteKey,
  type WriteKey,
  writeKeySchema,
  writeKeyTopic,
} from '@windrow/contracts';
import { type Broker, followTopic } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';

export type NewWriteKey = Pick<WriteKey, 'source' | 'streams' | 'events_per_second' | 'events_per_day'>;

/** Creates, lists and revokes write keys. All methods throw WindrowError TOPIC_MISSING, KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE. */
export class KeyStore {
  readonly #broker: Broker;
  readonly #registry: AvroRegistry;
  readonly #topic: string;

  constructor(options: { broker: Broker; registry: AvroRegistry; topic?: string }) {
    this.#broker = options.broker;
    this.#registry = options.registry;
    this.#topic = options.topic ?? writeKeyTopic.name;
  }

  /** @returns the key in plain text, which is stored nowhere, and its record */
  async add(wanted: NewWriteKey): Promise<{ key: string; record: WriteKey }> {
    const key = randomWriteKey();
    const record: WriteKey = {
      id: randomBytes(6).toString('hex'),
      ...wanted,
      prefix: prefixOf(key),
      sha256: digestOf(key),
      created_at: Date.now(),
      revoked_at: null,
    };
    await this.#put(record);
    return { key, record };
  }

  /** All write keys, the oldest first, including revoked ones. */
  async list(): Promise<WriteKey[]> {
    const byId = new Map<string, WriteKey>();
    const reader = await followTopic<WriteKey>({
      broker: this.#broker,
      registry: this.#registry,
      topic: this.#topic,
      schema: writeKeySchema,
      onRecord: (id, record) => (record ? byId.set(id, record) : byId.delete(id)),
      onForeign: () => undefined,
    });
    await reader.close();
    return [...byId.values()].sort((a, b) => a.created_at - b.created_at);
  }

  /** Revokes a key. A key that is already revoked keeps its time. @throws WindrowError USAGE for an unknown id */
  async revoke(id: string): Promise<WriteKey> {
    const known = (await this.list()).find((record) => record.id === id);
    if (!known) throw new WindrowError('USAGE', `there is no write key ${id}; there are: windrow keys list`);
    if (known.revoked_at !== null) return known;
    const revoked = { ...known, revoked_at: Date.now() };
    await this.#put(revoked);
    return revoked;
  }

  async #put(record: WriteKey): Promise<void> {
    const schemaId = await this.#registry.register(this.#topic, writeKeySchema);
    const value = new AvroCodec(writeKeySchema, this.#registry).encode({ ...record }, schemaId);
    const producer = await this.#broker.producer();
    try {
      await producer.send([{ topic: this.#topic, records: [{ key: record.id, value }] }]);
    } finally {
      await producer.close();
    }
  }
}
