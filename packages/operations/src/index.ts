// All operations, for tests and tools. The command imports `@windrow/operations/<operation>`, which loads only that operation.
export { type AppliedInstallation, applyConfig, applyInstallation } from './apply.ts';
export * from './audit/index.ts';
export { type Installation, installationConfig, openInstallation } from './installation.ts';
export * from './keys/index.ts';
export * from './lake/index.ts';
export * from './landing/index.ts';
export { lakeLedger, openLog, postgresLedger } from './ledgers.ts';
export * from './load/index.ts';
export { readColumns } from './parquet.ts';
export type { Progress } from './progress.ts';
export { openRawTopics, type RawEvent, type RawTopics } from './raw-topics.ts';
export * from './replay/index.ts';
