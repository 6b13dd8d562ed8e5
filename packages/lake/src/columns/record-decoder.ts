import type { SchemaResolution } from '@windrow/contracts';
import type { Resolver, Type, types } from 'avsc';
import type { TableSchema } from '../table-schema.ts';
import type { ColumnBuffers } from './column-buffers.ts';

/**
 * Decodes Avro records of one writer's schema into the columns of a table, resolved to the reader's schema from which the
 * table's schema was derived. It fills the first columns, in the order of the reader's fields. The caller appends the columns
 * after them (the ledger columns).
 *
 * A record is valid if avsc decodes it and the last field ends at the record's end. Some records that avsc accepts are invalid
 * here: varints longer than ten bytes for a long or five for an int; ints beyond 32 bits; arrays and maps with a wrong block
 * size; values with more than 65,536 items of no bytes, which would keep avsc busy for hours; values that JSON can't
 * represent. Longs beyond ±2^52, some of which avsc rounds, are exact.
 */
export interface RecordDecoder {
  /** Whether code was generated for the two schemas. Otherwise avsc decodes, which is several times slower. */
  readonly isGenerated: boolean;
  /** Why no code was generated. */
  readonly fallbackReason: string | undefined;
  /**
   * Appends a row for each of the records `from` to `to`. Record `i` is the bytes of `source` from `starts[i]` to `ends[i]`,
   * without the header of the registry's wire format.
   * @param columns of the decoder's table schema; the columns that it fills must have the same number of rows
   * @returns `to`, or the index of the first invalid record, of which nothing was appended; the caller may continue after it
   */
  decode(
    source: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    from: number,
    to: number,
    columns: ColumnBuffers,
  ): number;
}

/** A writer's schema and the reader's schema that it is resolved to, and the reader's table. */
export interface ResolvedSchemas {
  readonly writer: Type;
  readonly reader: types.RecordType;
  /** Undefined when the schemas are equal. */
  readonly resolver: Resolver | undefined;
  /** See {@link SchemaResolution}. Only avsc's decoder calls it. */
  readonly addUnread?: SchemaResolution['addUnread'];
  readonly schema: TableSchema;
}
