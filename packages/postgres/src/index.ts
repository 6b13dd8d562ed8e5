export { type Connection, connect, QueryPool } from './connection.ts';
export { CopyRows } from './copy-rows.ts';
export { type CuratedColumn, curatedRowsByDate, type RowSelection, readCuratedRows } from './curated-rows.ts';
export { Database } from './database.ts';
export {
  databaseError,
  dataException,
  isMissingPartition,
  isOfDatabase,
  rejectionReasonOf,
} from './database-error.ts';
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
export {
  dropReplayStage,
  hasReplayStage,
  type RejectedRow,
  ReplayStage,
  rejectedRows,
} from './replay-stage.ts';
export { rowsToSwap, swapReplayBack, swapReplayIn } from './replay-swap.ts';
export { recordWithdrawn, type WithdrawnEvent, withdrawnEvents } from './replay-withdrawn.ts';
export * from './replays.ts';
export { quoted, type Statements, statementsOf } from './statements.ts';
