export type { Action, Add, CommitInfo, MetaData, Protocol, Remove, Txn } from './delta/actions.ts';
export { type Appended, DeltaLog, type Draft } from './delta/delta-log.ts';
export { type Host, systemHost } from './host.ts';
export * from './ledger/lake-table.ts';
export type { LedgerPosition, LedgerRange, TopicPartition } from './ledger/positions.ts';
export type { ObjectEntry, ObjectStore } from './object-store.ts';
export * from './parquet/encoders.ts';
export { S3ObjectStore, type S3Options } from './s3-object-store.ts';
export * from './table-schema.ts';
