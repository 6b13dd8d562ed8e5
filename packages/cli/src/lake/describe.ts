import type { TableDescription } from '@windrow/operations';
import Table from 'cli-table3';
import { count, plainTable, size } from '../tables.ts';

/** A line for each table; those that are not there yet have none. */
export function overview(tables: TableDescription[]): string {
  const head = ['table', 'version', 'rows', 'files', 'size', 'removed files', 'their size'];
  const table = new Table(plainTable(head, [1, 2, 3, 4, 5, 6]));
  for (const { table: path, version, rows, files, bytes, removed } of tables) {
    table.push([
      path,
      count(version),
      count(rows),
      count(files),
      size(bytes),
      count(removed.files),
      size(removed.bytes),
    ]);
  }
  return table.toString();
}

export function describeLines(of: TableDescription): string[] {
  const { ledger, properties, protocol, removed, sizes, untold } = of;
  const created = of.createdMs === null ? '' : `, made ${timeText(of.createdMs)}`;
  const sizeTable = new Table(plainTable(['  files of', 'files', 'together'], [1, 2]));
  for (const { fromBytes, belowBytes, files, bytes } of sizes) {
    const name = belowBytes === null ? `${size(fromBytes)} and more` : `less than ${size(belowBytes)}`;
    if (files > 0) sizeTable.push([`  ${name}`, count(files), size(bytes)]);
  }
  const columnTable = new Table(plainTable(['  column', 'type', 'nulls']));
  for (const { name, type, nullable } of of.columns) {
    columnTable.push([`  ${name}`, type, nullable ? 'yes' : 'no']);
  }
  const ledgerTable = new Table(plainTable(['  partition', 'next offset', 'rows'], [1, 2]));
  for (const { partition, nextOffset, rows } of ledger) {
    ledgerTable.push([`  ${partition}`, count(nextOffset), count(rows)]);
  }
  return [
    `${of.table}: ${of.url}`,
    `version ${count(of.version)}${created}, last checkpoint at version ${of.checkpointVersion < 0 ? 'none' : count(of.checkpointVersion)}`,
    `${count(of.rows)} rows in ${count(of.files)} files, ${size(of.bytes)}${untold ? `; ${count(untold)} files don't tell their rows` : ''}`,
    ...(of.files > 0 ? [sizeTable.toString()] : []),
    `removed and not vacuumed: ${count(removed.files)} files, ${size(removed.bytes)}`,
    `partitioned by ${of.partitionedBy.join(', ')}`,
    columnTable.toString(),
    ledger.length > 0 ? 'ledger' : 'ledger: nothing has landed',
    ...(ledger.length > 0 ? [ledgerTable.toString()] : []),
    `protocol: reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}`,
    `properties: ${Object.keys(properties).length === 0 ? 'none' : ''}`.trimEnd(),
    ...Object.entries(properties).map(([name, value]) => `  ${name} = ${value}`),
  ];
}

/** `2013-01-01 00:10:00Z` */
export function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}
