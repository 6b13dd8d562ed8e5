export { type PostgresSinkConfig, postgresSinkConfig } from './config.ts';
export { type LedgerEntry, readLedger } from './ledger.ts';
export { migrate } from './migrate.ts';
export { groupId, type SinkOptions, startSink } from './sink.ts';
