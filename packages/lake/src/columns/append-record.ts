import { avroType } from '@windrow/contracts';
import type { types } from 'avsc';
import type { TableSchema } from '../table-schema.ts';
import { ColumnBuffers } from './column-buffers.ts';
import { generatedDecoder } from './generated-decoder.ts';

type EventRecord = Readonly<Record<string, unknown>>;

/** Appends a record. @returns false, with nothing appended, when it has a value that the columns can't hold */
type Append = (buffers: ColumnBuffers, record: EventRecord) => boolean;

const appenders = new WeakMap<TableSchema, Append>();

/**
 * Appends a record of the table's Avro type, as avsc decodes it. The caller appends the ledger columns.
 * @throws TypeError when a value doesn't fit its column; the columns are then unchanged
 */
export function appendRecord(buffers: ColumnBuffers, record: EventRecord): void {
  if (appenderOf(buffers.schema)(buffers, record)) return;
  throw new TypeError(recordFault(buffers.schema, record));
}

/** Why the columns of a table can't hold a record of its Avro type; undefined when they can. */
export function recordFault(schema: TableSchema, record: EventRecord): string | undefined {
  if (appenderOf(schema)(new ColumnBuffers(schema), record)) return undefined;
  const { fields } = recordTypeOf(schema);
  const index = fields.findIndex(({ name, type }, at) => {
    const one = avroType({ type: 'record', name: 'One', fields: [{ name, type }] }) as types.RecordType;
    const of = { columns: [schema.columns[at]!], record: one };
    return !appenderOf(of)(new ColumnBuffers(of), record);
  });
  const column = schema.columns[index];
  if (column === undefined) return 'the columns of the table are other ones than the fields of the record';
  const { name, type } = column;
  try {
    return fields[index]?.type.isValid(record[name])
      ? `${name} has a value that the lake's column, ${JSON.stringify(type)}, can't hold`
      : `${name} is missing, or has a value of another type than its field`;
  } catch {
    // avsc checks a record within a record by a call within a call.
    return `${name} has a value with too many levels for the lake's column, ${JSON.stringify(type)}`;
  }
}

function appenderOf(schema: TableSchema): Append {
  const known = appenders.get(schema);
  if (known) return known;
  const record = recordTypeOf(schema);
  const append = appender(schema, record);
  appenders.set(schema, append);
  return append;
}

/** Encodes the record, so that the one decoder defines how each value is stored. */
function appender(schema: TableSchema, type: types.RecordType): Append {
  const decoder = generatedDecoder({ writer: type, reader: type, resolver: undefined, schema });
  const starts = Int32Array.of(0);
  const ends = Int32Array.of(0);
  let bytes = Buffer.alloc(16_384);
  return (buffers, record) => {
    try {
      let end = type.encode(record, bytes, 0);
      if (end < 0) {
        // avsc returns how many bytes were missing, as a negative number.
        bytes = Buffer.alloc(2 * (bytes.length - end));
        end = type.encode(record, bytes, 0);
      }
      ends[0] = end;
    } catch {
      // The record is not of its type.
      return false;
    }
    return decoder.decode(bytes, starts, ends, 0, 1, buffers) === 1;
  };
}

function recordTypeOf({ record }: TableSchema): types.RecordType {
  if (record === undefined)
    throw new TypeError('the schema of the table was not derived from an Avro schema');
  return record;
}
