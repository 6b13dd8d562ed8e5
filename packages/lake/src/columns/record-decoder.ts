import type { Resolver, Type, types } from 'avsc';
import type { TableSchema } from '../table-schema.ts';
import type { ColumnBuffers } from './column-buffers.ts';

/**
 * Decodes Avro records of one writer's schema into the columns of a table, resolved to the reader's schema that the table
 * was made of. It fills the first columns, in the order of the reader's fields; what follows them (the ledger columns)
 * is the caller's to append.
 *
 * A record is valid if avsc decodes it and it ends exactly where it should. More than that is refused here: ints and longs of
 * more bytes than 32 and 64 bits take; ints beyond 32 bits; sizes of blocks in arrays and maps that are not true; more than
 * 65,536 items without bytes in a value, which would keep avsc busy for hours; what JSON can't tell. Longs beyond ±2^52, of
 * which avsc reads some as others, are exact.
 */
export interface RecordDecoder {
  /** Whether code was generated for the two schemas. Otherwise avsc makes values of them, which is several times slower. */
  readonly isGenerated: boolean;
  /** Why no code was generated. */
  readonly fallbackReason: string | undefined;
  /**
   * Appends a row for each of the records `from` to `to`. Record `i` lies in `source` from `starts[i]` to `ends[i]`, without
   * the wire format's header.
   * @param columns of the table schema that the decoder was made for; those that it fills have the same number of rows
   * @returns `to`, or the index of the first record that is not valid, of which the columns hold nothing; the next call may
   * go on behind it
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

/** A writer's and a reader's schema that fit together, and their table. */
export interface ResolvedSchemas {
  readonly writer: Type;
  readonly reader: types.RecordType;
  /** Undefined where both are the same. */
  readonly resolver: Resolver | undefined;
  readonly schema: TableSchema;
}
