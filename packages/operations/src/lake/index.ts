export { describeTable, type TableDescription } from './describe-table.ts';
export { type Lake, openLake, openTableLog, tableNamed } from './open-lake.ts';
export { type RestoreResult, type RestoreTarget, restoreTable } from './restore.ts';
export { type CompactionResult, compactTable, type VacuumResult, vacuumTable } from './upkeep.ts';
