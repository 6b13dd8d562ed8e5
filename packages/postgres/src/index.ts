export { CopyRows } from './copy-rows.ts';
export { Database } from './database.ts';
export { databaseError, dataException, isMissingPartition, refusalOf } from './database-error.ts';
export { DayPartitions, maxDaysAtOnce } from './day-partitions.ts';
export {
  advanceLedger,
  hasAdvanced,
  type LedgerEntry,
  type LedgerStep,
  openLedger,
  readLedger,
} from './ledger.ts';
export { migrate } from './migrate.ts';
export { quoted, type Statements, statementsOf } from './statements.ts';
