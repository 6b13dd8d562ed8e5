import type { DeltaLog, LiveFile } from '@windrow/lake';
import type { LedgerLine } from '../audit/facts.ts';
import { type LakeTableName, lakeLedger } from '../ledgers.ts';
import type { Lake } from './open-lake.ts';
import { typeText } from './type-text.ts';

/** The description of a table from its log, without reading its files. */
export interface TableDescription {
  table: string;
  url: string;
  version: number;
  checkpointVersion: number;
  createdMs: number | null;
  rows: number;
  files: number;
  bytes: number;
  /** Files without a number of rows in the log. */
  untold: number;
  /** Files by size class: `fromBytes ≤ size < belowBytes`. The last class has no upper bound. */
  sizes: { fromBytes: number; belowBytes: number | null; files: number; bytes: number }[];
  /** Removed files that the log still names, because no vacuum has deleted them yet. */
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

function columnsOf(schemaString: string): TableDescription['columns'] {
  const { fields } = JSON.parse(schemaString) as {
    fields: { name: string; type: unknown; nullable: boolean }[];
  };
  return fields.map(({ name, type, nullable }) => ({
    ...{ name, nullable },
    type: typeText(type),
  }));
}

function bySize(files: LiveFile[]): TableDescription['sizes'] {
  return [...classes, null].map((belowBytes, index) => {
    const from = classes[index - 1] ?? 0;
    const of = files.filter(({ sizeBytes }) => sizeBytes >= from && sizeBytes < (belowBytes ?? Infinity));
    return { fromBytes: from, belowBytes, files: of.length, bytes: sum(of, ({ sizeBytes }) => sizeBytes) };
  });
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
