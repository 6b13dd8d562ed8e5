import { WindrowError } from '@windrow/runtime';
import type { Type } from 'avsc';
import { jsonText } from '../json/json-text.ts';
import type { AvroRecordSchema, EventRecord } from './avro-record.ts';
import { avroType } from './avro-type.ts';
import { UnconvertibleValue } from './logical-conversion.ts';
import { rangeCheck } from './range-check.ts';
import type { AvroRegistry } from './registry.ts';
import { resolveSchemas, type SchemaResolution } from './schema-resolution.ts';
import { otherFraming, otherIdSize, schemaIdOf, wireHeaderBytes } from './wire-format.ts';

/** The result of decoding one message. `reason` is a short stable code. */
export type Decoded =
  | { ok: true; record: EventRecord; schemaId: number }
  | { ok: false; reason: string; message: string; schemaId: number | null };

/** avsc's result. */
interface Read {
  value: EventRecord;
  offset: number;
}

/**
 * Avro in the registry's wire format. Each message is resolved from its writer's schema to `schema`, by {@link resolveSchemas}. A resolver is compiled once for
 * each writer's schema. Longs are exact: numbers up to 2^53, bigints beyond.
 */
export class AvroCodec {
  readonly type: Type;
  readonly #registry: AvroRegistry;
  readonly #outOfRange: ReturnType<typeof rangeCheck>;
  /** By schema id; for a schema that can't be resolved, the reason. */
  readonly #resolutions = new Map<number, SchemaResolution | string>();
  #scratch: Buffer = Buffer.allocUnsafe(16_384);

  constructor(schema: AvroRecordSchema, registry: AvroRegistry) {
    this.type = avroType(schema);
    this.#registry = registry;
    this.#outOfRange = rangeCheck(this.type);
  }

  /**
   * `schemaId`: the id that {@link AvroRegistry.register} returned for this schema.
   * @throws WindrowError ENCODE_FAILED, with the invalid fields
   */
  encode(record: EventRecord, schemaId: number): Buffer {
    try {
      let end = this.type.encode(record, this.#scratch, wireHeaderBytes);
      if (end < 0) {
        // avsc returns how many bytes were missing, as a negative number.
        this.#scratch = Buffer.allocUnsafe(2 * (this.#scratch.length - end));
        end = this.type.encode(record, this.#scratch, wireHeaderBytes);
      }
      this.#scratch.writeUInt8(0, 0);
      this.#scratch.writeInt32BE(schemaId, 1);
      return Buffer.from(this.#scratch.subarray(0, end));
    } catch (cause) {
      throw new WindrowError('ENCODE_FAILED', this.faults(record).join('; ') || String(cause), { cause });
    }
  }

  /** The fields that don't have their type, one text for each. */
  faults(record: EventRecord): string[] {
    const faults: string[] = [];
    this.type.isValid(record, {
      errorHook: (path, value, type) => {
        const shown = value === undefined ? 'missing' : (jsonText(value) ?? String(value)).slice(0, 80);
        faults.push(`${path.join('.')} is ${shown}; expected ${String(type).slice(0, 80)}`);
      },
    });
    return faults;
  }

  /**
   * Decodes the values in their order, one result each.
   * @throws WindrowError REGISTRY_UNAVAILABLE, before any value is decoded
   */
  async decode(values: readonly (Buffer | null)[]): Promise<Decoded[]> {
    const unknown = new Set<number>();
    for (const value of values) {
      const id = schemaIdOf(value);
      if (id !== null && !this.#resolutions.has(id)) unknown.add(id);
    }
    const absent = new Set<number>();
    for (const id of unknown) if (!(await this.#prepare(id))) absent.add(id);
    return values.map((value) => this.#decodeOne(value, absent));
  }

  /** Decodes a value that {@link decode} has decoded before, without a request to the registry. */
  decodeAgain(value: Buffer): EventRecord {
    const decoded = this.#decodeOne(value, new Set());
    if (!decoded.ok)
      throw new TypeError(`a value that was decoded before can't be decoded now: ${decoded.message}`);
    return decoded.record;
  }

  async #prepare(id: number): Promise<boolean> {
    const writer = await this.#registry.writerType(id);
    if (writer === null) return false;
    try {
      this.#resolutions.set(id, resolveSchemas(writer, this.type));
    } catch (cause) {
      this.#resolutions.set(id, String(cause instanceof Error ? cause.message : cause));
    }
    return true;
  }

  #decodeOne(value: Buffer | null, absent: Set<number>): Decoded {
    if (value === null)
      return { ok: false, reason: 'empty', message: 'the message has no value', schemaId: null };
    const schemaId = schemaIdOf(value);
    if (schemaId === null) {
      const start = value.subarray(0, wireHeaderBytes).toString('hex');
      const message = `the message is not in the registry's wire format: it starts with 0x${start}; expected 0x00 and a schema id${otherFraming(value)}`;
      return { ok: false, reason: 'not_avro', message, schemaId: null };
    }
    if (absent.has(schemaId)) {
      return {
        ok: false,
        reason: 'unknown_schema',
        message: `the registry has no Avro schema ${schemaId}${otherIdSize(schemaId)}`,
        schemaId,
      };
    }
    const resolution = this.#resolutions.get(schemaId);
    if (typeof resolution === 'string') {
      const message = `schema ${schemaId} can't be resolved to ${this.type.name ?? 'record'}: ${resolution}`;
      return { ok: false, reason: 'incompatible_schema', message, schemaId };
    }
    try {
      const decoded = this.type.decode(value, wireHeaderBytes, resolution?.resolver) as Read;
      if (decoded.offset < 0) throw new Error('the value is truncated');
      if (decoded.offset !== value.length)
        throw new Error(`${value.length - decoded.offset} bytes follow the value`);
      const outOfRange = this.#outOfRange(decoded.value);
      if (outOfRange !== undefined) {
        const message = `schema ${schemaId}: ${outOfRange}`;
        return { ok: false, reason: 'value_not_convertible', message, schemaId };
      }
      resolution?.addUnread?.(decoded.value, value, wireHeaderBytes);
      return { ok: true, record: decoded.value, schemaId };
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      if (cause instanceof UnconvertibleValue) {
        const fields = resolution?.converted.join(' or ');
        const message = `schema ${schemaId}: the field ${fields}: ${what}`;
        return { ok: false, reason: 'value_not_convertible', message, schemaId };
      }
      return { ok: false, reason: 'not_avro', message: `schema ${schemaId}: ${what}`, schemaId };
    }
  }
}
