export { tableSchemaFromAvro } from './avro-columns.ts';
export { appendRecord, recordFault } from './columns/append-record.ts';
export type { ByteEntries } from './columns/byte-entries.ts';
export type { BytesColumn } from './columns/bytes-column.ts';
export { type Column, ColumnBuffers } from './columns/column-buffers.ts';
export { createRecordDecoder } from './columns/create-record-decoder.ts';
export { nestedColumnType } from './columns/nested-type.ts';
export type * from './columns/number-columns.ts';
export type { RecordDecoder } from './columns/record-decoder.ts';
export type { Action, Add, CommitInfo, MetaData, Protocol, Remove, Txn } from './delta/actions.ts';
export { type Appended, DeltaLog, type Draft } from './delta/delta-log.ts';
export { statsOf } from './delta/file-stats.ts';
export type { LiveFile } from './delta/live-files.ts';
export { type ReadableVersion, readableVersions, versionAt } from './delta/readable-versions.ts';
export { deletedFileRetentionMs, intervalMs, logRetentionMs } from './delta/retention.ts';
export { withTextColumns } from './delta/stored-schema.ts';
export { isDated, plannedFiles } from './files/planned-files.ts';
export { fieldReader, recordReader } from './files/record-of-row.ts';
export { groupByTime } from './files/rows-by-time.ts';
export { type Host, systemHost } from './host.ts';
export * from './ledger/lake-table.ts';
export { type LedgerPosition, type LedgerRange, ownerAppId } from './ledger/positions.ts';
export type { PlannedFile, UploadedFiles } from './ledger/uploads.ts';
export * from './maintenance/compactor.ts';
export * from './maintenance/history.ts';
export * from './maintenance/replacement.ts';
export * from './maintenance/restore.ts';
export {
  changesNothing,
  moves,
  type PlaceChange,
  type RestoreChanges,
  rowsAdded,
  rowsRemoved,
} from './maintenance/restore-changes.ts';
export * from './maintenance/small-files.ts';
export * from './maintenance/table-layouts.ts';
export * from './maintenance/vacuum.ts';
export type { ObjectEntry, ObjectStore } from './object-store.ts';
export * from './parquet/encoders.ts';
export { type ExactRows, exactRows } from './parquet/exact-rows.ts';
export type * from './parquet/parquet-encoder.ts';
export { readNumberColumns } from './parquet/read-number-columns.ts';
export { type S3ObjectEntry, S3ObjectStore, type S3Options } from './s3-object-store.ts';
export * from './table-schema.ts';
