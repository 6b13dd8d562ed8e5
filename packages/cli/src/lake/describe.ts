import type { DeltaLog, LiveFile } from '@windrow/lake';
import Table from 'cli-table3';
import type { LedgerLine } from '../audit/facts.ts';
import { type LakeTableName, lakeLedger } from '../ledgers.ts';
import { count, plainTable, size } from '../tables.ts';
import type { Lake } from './open-lake.ts';

/** What is known of a table without reading its files. */
export interface TableDescription {
  table: string;
  url: string;
  version: number;
  checkpointVersion: number;
  createdMs: number | null;
  rows: number;
  files: number;
  bytes: number;
  /** Files whose rows no commit tells. */
  untold: number;
  /** Files by size: each class below `belowBytes`, the last one without a bound. */
  sizes: { belowBytes: number | null; files: number; bytes: number }[];
  /** Removed files that vacuum has not deleted yet, as far as the log knows. */
  removed: { files: number; bytes: number };
  columns: { name: string; type: string; nullable: boolean }[];
  partitionedBy: string[];
  ledger: LedgerLine[];
  protocol: { minReaderVersion: number; minWriterVersion: number };
  properties: Record<string, string>;
}

const classes = [64_000, 1_000_000, 8_000_000, 64_000_000, 512_000_000];

export async function describeTable(
  lake: Lake,
  table: LakeTableName,
  log: DeltaLog,
): Promise<TableDescription> {
  const { removes } = await log.files();
  const files = [...log.liveFiles.values()];
  const { metaData, protocol } = log;
  const removed = [...removes.values()];
  return {
    table: table.path,
    url: lake.store.url(table.path),
    version: log.version,
    checkpointVersion: log.checkpointVersion,
    createdMs: metaData.createdTime ?? null,
    rows: sum(files, ({ rows }) => rows ?? 0),
    files: files.length,
    bytes: sum(files, ({ sizeBytes }) => sizeBytes),
    untold: files.filter(({ rows }) => rows === undefined).length,
    sizes: bySize(files),
    removed: { files: removed.length, bytes: sum(removed, ({ size: bytes }) => bytes ?? 0) },
    columns: columnsOf(metaData.schemaString),
    partitionedBy: metaData.partitionColumns,
    ledger: lakeLedger(log, table.topic).sort((a, b) => a.partition - b.partition),
    protocol: { minReaderVersion: protocol.minReaderVersion, minWriterVersion: protocol.minWriterVersion },
    properties: metaData.configuration,
  };
}

/** Also those of types that only other engines write; what isn't a name is told as JSON. */
function columnsOf(schemaString: string): TableDescription['columns'] {
  const { fields } = JSON.parse(schemaString) as {
    fields: { name: string; type: unknown; nullable: boolean }[];
  };
  return fields.map(({ name, type, nullable }) => ({
    ...{ name, nullable },
    type: typeof type === 'string' ? type : JSON.stringify(type),
  }));
}

function bySize(files: LiveFile[]): TableDescription['sizes'] {
  return [...classes, null].map((belowBytes, index) => {
    const from = classes[index - 1] ?? 0;
    const of = files.filter(({ sizeBytes }) => sizeBytes >= from && sizeBytes < (belowBytes ?? Infinity));
    return { belowBytes, files: of.length, bytes: sum(of, ({ sizeBytes }) => sizeBytes) };
  });
}

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
  for (const [index, { belowBytes, files, bytes }] of sizes.entries()) {
    const from = classes[index - 1];
    const name = belowBytes === null ? `${size(from ?? 0)} and more` : `less than ${size(belowBytes)}`;
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

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
