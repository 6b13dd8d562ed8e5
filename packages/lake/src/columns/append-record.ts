import { ledgerColumns } from '../table-schema.ts';
import { appendValue } from './append-value.ts';
import type { ColumnBuffers } from './column-buffers.ts';

/**
 * Appends a record that avsc has decoded, field by field. The caller appends the ledger columns.
 * @throws TypeError when a value doesn't fit its column; the columns are then unchanged
 */
export function appendRecord(buffers: ColumnBuffers, record: Readonly<Record<string, unknown>>): void {
  const { schema, columns } = buffers;
  const fields = schema.columns.slice(0, -ledgerColumns.length);
  const rows = columns[0]?.rows ?? 0;
  for (const [index, field] of fields.entries()) {
    const { name, type } = field;
    if (appendValue(columns[index]!, record[name], field)) continue;
    for (let at = 0; at < index; at++) columns[at]!.truncate(rows);
    throw new TypeError(`column ${name} of type ${type} can't store the value of its field`);
  }
}
