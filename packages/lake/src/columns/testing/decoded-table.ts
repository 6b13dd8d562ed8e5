import { avroType } from '@windrow/contracts';
import { must } from '@windrow/runtime/testing';
import type avsc from 'avsc';
import { tableSchemaFromAvro } from '../../avro-columns.ts';
import { withTextColumns } from '../../delta/stored-schema.ts';
import type { ColumnValue } from '../../table-schema.ts';
import { ColumnBuffers } from '../column-buffers.ts';
import { createRecordDecoder } from '../create-record-decoder.ts';
import type { RecordDecoder } from '../record-decoder.ts';

type Bytes = Uint8Array | readonly number[];

export const typeOf = (schema: unknown): avsc.Type => avroType(schema);
export const recordOf = (fields: unknown[]): unknown => ({ type: 'record', name: 'R', fields });
export const oneField = (type: unknown): unknown => recordOf([{ name: 'f', type }]);

/**
 * A table of a reader's schema without rows, and the decoder that fills it from a writer's bytes. Nested values are text, as in tables
 * of older versions.
 */
export class DecodedTable {
  readonly columns: ColumnBuffers;
  readonly decoder: RecordDecoder;
  readonly writer: avsc.Type;
  private readonly fieldCount: number;

  constructor(writer: unknown, reader: unknown = writer) {
    this.writer = typeOf(writer);
    const type = typeOf(reader) as avsc.types.RecordType;
    const schema = withTextColumns(tableSchemaFromAvro(reader));
    this.decoder = createRecordDecoder(this.writer, type, schema);
    this.columns = new ColumnBuffers(schema);
    this.fieldCount = type.fields.length;
  }

  /** @returns which of the records are valid */
  add(...records: Bytes[]): boolean[] {
    const source = Buffer.concat(records.map((bytes) => Buffer.from(bytes)));
    const starts = new Int32Array(records.length);
    const ends = new Int32Array(records.length);
    let at = 0;
    for (const [index, { length }] of records.entries()) {
      starts[index] = at;
      at = ends[index] = at + length;
    }
    const valid = records.map(() => true);
    for (let from = 0; from < records.length; ) {
      const next = this.decoder.decode(source, starts, ends, from, records.length, this.columns);
      if (next < records.length) valid[next] = false;
      from = next + 1;
    }
    return valid;
  }

  addValues(...values: unknown[]): boolean[] {
    return this.add(...values.map((value) => this.writer.toBuffer(value)));
  }

  get rows(): ColumnValue[][] {
    return Array.from({ length: must(this.columns.columns[0]).rows }, (_, row) =>
      Array.from({ length: this.fieldCount }, (__, column) => this.columns.valueAt(column, row)),
    );
  }
}

/** Avro's zigzag varint of any integer, for as many bytes as it takes. */
export function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value < 0n ? -2n * value - 1n : 2n * value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}
