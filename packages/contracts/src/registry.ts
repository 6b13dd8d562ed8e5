import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { WindrowError } from '@windrow/runtime';
import type { Type } from 'avsc';
import type { AvroRecordSchema } from './avro-record.ts';
import { subjectOf } from './topics.ts';

const statusOf = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : undefined;

const unavailable = (url: string, what: string, cause: unknown) =>
  new WindrowError(
    'REGISTRY_UNAVAILABLE',
    `the schema registry at ${url} did not ${what}: ${String(cause)}`,
    {
      retriable: true,
      cause,
    },
  );

/** Avro schemas by their id in a registry with the Confluent API; each id is asked for once. */
export class AvroRegistry {
  readonly url: string;
  readonly #registry: SchemaRegistry;
  readonly #writers = new Map<number, Type | null>();

  /** `url`: with the API's path, if it has one (Apicurio: `…/apis/ccompat/v7`). */
  constructor(url: string) {
    this.url = url.replace(/\/+$/, '');
    this.#registry = new SchemaRegistry({
      host: this.url,
      retry: { retries: 2, initialRetryTimeInSecs: 0.2 },
    });
  }

  /**
   * Registers a topic's value schema and gives its id; the same schema gives the same id. Compatibility is set to
   * BACKWARD before the first version. Errors: SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE.
   */
  async register(topic: string, schema: AvroRecordSchema): Promise<number> {
    const subject = subjectOf(topic);
    await this.#setBackward(subject);
    try {
      const { id } = await this.#registry.register(
        { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
        { subject, compatibility: COMPATIBILITY.BACKWARD },
      );
      return id;
    } catch (cause) {
      if (statusOf(cause) === 409 || statusOf(cause) === 422) {
        const message = `the schema of ${subject} can't read what the registry's versions wrote: ${String(cause)}; give new fields a default`;
        throw new WindrowError('SCHEMA_INCOMPATIBLE', message, { cause });
      }
      throw unavailable(this.url, `register ${subject}`, cause);
    }
  }

  async #setBackward(subject: string): Promise<void> {
    const address = `${this.url}/config/${encodeURIComponent(subject)}`;
    try {
      const current = await fetch(address, { signal: AbortSignal.timeout(10_000) });
      const body = current.ok ? ((await current.json()) as { compatibilityLevel?: string }) : {};
      if (body.compatibilityLevel?.toUpperCase() === 'BACKWARD') return;
      const response = await fetch(address, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ compatibility: 'BACKWARD' }),
        signal: AbortSignal.timeout(10_000),
      });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    } catch (cause) {
      throw unavailable(this.url, `set the compatibility of ${subject}`, cause);
    }
  }

  /** The writer's type of an id; null where the registry knows no Avro schema by it. Error: REGISTRY_UNAVAILABLE. */
  async writerType(id: number): Promise<Type | null> {
    const known = this.#writers.get(id);
    if (known !== undefined) return known;
    let type: Type | null = null;
    try {
      const schema = await this.#registry.getSchema(id);
      type = 'createResolver' in schema ? (schema as unknown as Type) : null;
    } catch (cause) {
      // An id that is unknown now may be registered later: it isn't remembered, only answered.
      if (statusOf(cause) === 404) return null;
      if (statusOf(cause) !== undefined || isTransport(cause))
        throw unavailable(this.url, `give schema ${id}`, cause);
      type = null;
    }
    this.#writers.set(id, type);
    return type;
  }
}

/** A failure of the connection, as against a schema that can't be parsed. */
function isTransport(error: unknown): boolean {
  const text = String(
    error instanceof Error ? `${error.name} ${error.message} ${String(error.cause ?? '')}` : error,
  );
  return /ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|socket|timeout|fetch failed|ResponseError/i.test(text);
}
