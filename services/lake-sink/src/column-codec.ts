import {
  AvroCodec,
  type AvroRecordSchema,
  type AvroRegistry,
  type Decoded,
  wireHeaderBytes,
} from '@windrow/contracts';
import {
  type ColumnBuffers,
  createRecordDecoder,
  type RecordDecoder,
  recordFault,
  type TableSchema,
} from '@windrow/lake';
import type { RecordBatch } from '@windrow/pipeline';

/** Successive records with the same decoder. Records without a decoder need {@link ColumnCodec.decodeOne}. */
interface Run {
  to: number;
  decoder: RecordDecoder | undefined;
}

/** Records whose schemas are known. */
export interface PreparedRecords {
  readonly records: RecordBatch;
  /** The index at which the Avro data of each value begins. */
  readonly starts: Int32Array;
  readonly runs: readonly Run[];
}

/** Called for a schema that can only be decoded slowly, with the reason. */
export type OnFallback = (schemaId: number, reason: string) => void;

/**
 * Decodes records in the registry's wire format into columns. The enricher validates records by {@link AvroCodec}. So a record
 * that the decoder of columns rejects is decoded again by {@link AvroCodec}.
 */
export class ColumnCodec {
  readonly #avro: AvroCodec;
  readonly #registry: AvroRegistry;
  readonly #table: TableSchema;
  readonly #onFallback: OnFallback;
  /** Schema id → decoder; undefined for a schema that is not compatible with the table. */
  readonly #decoders = new Map<number, RecordDecoder | undefined>();

  constructor(schema: AvroRecordSchema, table: TableSchema, registry: AvroRegistry, onFallback: OnFallback) {
    this.#avro = new AvroCodec(schema, registry);
    this.#table = table;
    this.#registry = registry;
    this.#onFallback = onFallback;
  }

  /** @throws WindrowError REGISTRY_UNAVAILABLE */
  async prepare(records: RecordBatch): Promise<PreparedRecords> {
    const { count, source, valueStarts, valueEnds, schemaIdsInHeaders } = records;
    const starts = new Int32Array(count);
    const runs: Run[] = [];
    let runId: number | undefined;
    for (let index = 0; index < count; index++) {
      // Both arrays have an element for each record: -1 when the record has no value.
      const start = valueStarts[index] ?? -1;
      const length = (valueEnds[index] ?? -1) - start;
      starts[index] = start + wireHeaderBytes;
      const isFramed =
        start >= 0 && length >= wireHeaderBytes && source[start] === 0 && schemaIdsInHeaders?.[index] !== 1;
      const id = isFramed ? source.readInt32BE(start + 1) : undefined;
      const run = runs.at(-1);
      if (run !== undefined && id === runId) run.to = index + 1;
      else runs.push({ to: index + 1, decoder: id === undefined ? undefined : await this.#decoder(id) });
      runId = id;
    }
    return { records, starts, runs };
  }

  /**
   * Appends one row for each of the records `from` to `to`.
   * @returns `to`, or the index of the first record that could not be decoded and has no row
   */
  decode({ records, starts, runs }: PreparedRecords, from: number, to: number, into: ColumnBuffers): number {
    let at = from;
    for (const { decoder, to: runEnd } of runs) {
      const end = Math.min(runEnd, to);
      if (at >= end) continue;
      if (decoder === undefined) return at;
      at = decoder.decode(records.source, starts, records.valueEnds, at, end, into);
      if (at < end) return at;
    }
    return at;
  }

  /**
   * A record with a value that its column can't hold, such as a decimal with too many digits, is not decoded either.
   * @throws WindrowError REGISTRY_UNAVAILABLE
   */
  async decodeOne(value: Buffer | null): Promise<Decoded> {
    const [decoded] = await this.#avro.decode([value]);
    if (decoded === undefined) throw new TypeError('one value was given, and none was decoded');
    if (!decoded.ok) return decoded;
    const fault = recordFault(this.#table, decoded.record);
    if (fault === undefined) return decoded;
    return { ok: false, reason: 'not_storable', message: fault, schemaId: decoded.schemaId };
  }

  /** A schema that the registry does not have may be registered later. A schema that is not compatible stays so. */
  async #decoder(id: number): Promise<RecordDecoder | undefined> {
    if (this.#decoders.has(id)) return this.#decoders.get(id);
    const writer = await this.#registry.writerType(id);
    if (writer === null) return undefined;
    let decoder: RecordDecoder | undefined;
    try {
      decoder = createRecordDecoder(writer, this.#avro.type, this.#table);
      if (decoder.fallbackReason !== undefined) this.#onFallback(id, decoder.fallbackReason);
    } catch {
      // The schemas are not compatible. AvroCodec finds the reason for each record.
    }
    this.#decoders.set(id, decoder);
    return decoder;
  }
}
