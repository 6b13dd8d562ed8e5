import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { WindrowError } from '@windrow/runtime';
import type { Type } from 'avsc';
import { subjectOf } from '../topics.ts';
import type { AvroRecordSchema } from './avro-record.ts';
import { avroType, exactTypes } from './avro-type.ts';
import { compareLogicalTypes } from './schema-resolution.ts';

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

/** A client of a schema registry with the Confluent API. It requests each schema id once. */
export class AvroRegistry {
  readonly url: string;
  readonly #registry: SchemaRegistry;
  readonly #writers = new Map<number, Type | null>();

  /** `url`: includes the API's path, if it has one (Apicurio: `…/apis/ccompat/v7`). */
  constructor(url: string) {
    this.url = url.replace(/\/+$/, '');
    this.#registry = new SchemaRegistry(
      { host: this.url, retry: { retries: 2, initialRetryTimeInSecs: 0.2 } },
      { [SchemaType.AVRO]: { typeHook: exactTypes } },
    );
  }

  /**
   * Registers the value schema of a topic and returns its id; the same schema has the same id. Sets the compatibility to
   * BACKWARD before the first version. The registry ignores logical types, so they are compared with the latest version here.
   * @throws WindrowError SCHEMA_INCOMPATIBLE, REGISTRY_UNAVAILABLE
   */
  async register(topic: string, schema: AvroRecordSchema): Promise<number> {
    const subject = subjectOf(topic);
    await this.#setBackward(subject);
    const conflicts = await this.#logicalConflicts(subject, schema);
    if (conflicts.length > 0) {
      const message = `the schema of ${subject} can't read its latest registered version: ${conflicts.join('; ')}`;
      throw new WindrowError('SCHEMA_INCOMPATIBLE', message);
    }
    try {
      const { id } = await this.#registry.register(
        { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
        { subject, compatibility: COMPATIBILITY.BACKWARD },
      );
      return id;
    } catch (cause) {
      if (statusOf(cause) === 409 || statusOf(cause) === 422) {
        const message = `the schema of ${subject} is not backward compatible with its registered versions: ${String(cause)}; give new fields a default`;
        throw new WindrowError('SCHEMA_INCOMPATIBLE', message, { cause });
      }
      throw unavailable(this.url, `register ${subject}`, cause);
    }
  }

  async #logicalConflicts(subject: string, schema: AvroRecordSchema): Promise<readonly string[]> {
    let id: number;
    try {
      id = await this.#registry.getLatestSchemaId(subject);
    } catch (cause) {
      if (statusOf(cause) === 404) return [];
      throw unavailable(this.url, `give the latest version of ${subject}`, cause);
    }
    const latest = await this.writerType(id);
    return latest === null ? [] : compareLogicalTypes(latest, avroType(schema)).conflicts;
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
      // Another process has set it since it was read: read it again.
      if (response.status === 409) return await this.#setBackward(subject);
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    } catch (cause) {
      throw unavailable(this.url, `set the compatibility of ${subject}`, cause);
    }
  }

  /**
   * The writer's schema with that id, as `avroType` makes it; null if the registry has no such Avro schema.
   * @throws WindrowError REGISTRY_UNAVAILABLE
   */
  async writerType(id: number): Promise<Type | null> {
    const known = this.#writers.get(id);
    if (known !== undefined) return known;
    let type: Type | null = null;
    try {
      const schema = await this.#registry.getSchema(id);
      type = 'createResolver' in schema ? (schema as unknown as Type) : null;
    } catch (cause) {
      // The id may be registered later, so the answer is not cached.
      if (statusOf(cause) === 404) return null;
      if (statusOf(cause) !== undefined || isTransport(cause))
        throw unavailable(this.url, `give schema ${id}`, cause);
      type = null;
    }
    this.#writers.set(id, type);
    return type;
  }
}

/** Whether the connection failed; the other errors are of schemas that can't be parsed. */
function isTransport(error: unknown): boolean {
  const text = String(
    error instanceof Error ? `${error.name} ${error.message} ${String(error.cause ?? '')}` : error,
  );
  return /ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|socket|timeout|fetch failed|ResponseError/i.test(text);
}
