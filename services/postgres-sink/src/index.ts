export { type PostgresSinkConfig, postgresSinkConfig } from './config.ts';
export { CopyRows } from './copy-rows.ts';
export { databaseError, refusalOf } from './database-error.ts';
export { DayPartitions } from './day-partitions.ts';
export { type LedgerEntry, readLedger } from './ledger.ts';
export { migrate } from './migrate.ts';
export { groupId, type SinkOptions, startSink } from './sink.ts';
export { quoted } from './statements.ts';
