import { ledgerColumns } from '../table-schema.ts';
import { appendValue } from './append-value.ts';
import type { ColumnBuffers } from './column-buffers.ts';

/**
 * Appends a record as avsc decodes it, by the names of its fields. The ledger columns are the caller's to append.
 * Error: TypeError where a value is not one that avsc makes of the column's Avro type; the columns are as they were then.
 */
export function appendRecord(buffers: ColumnBuffers, record: Readonly<Record<string, unknown>>): void {
  const { schema, columns } = buffers;
  const fields = schema.columns.slice(0, -ledgerColumns.length);
  const rows = columns[0]?.rows ?? 0;
  for (const [index, { name, type }] of fields.entries()) {
    if (appendValue(columns[index]!, record[name])) continue;
    for (let at = 0; at < index; at++) columns[at]!.truncate(rows);
    throw new TypeError(`column ${name} of type ${type} can't hold its field's value`);
  }
}
