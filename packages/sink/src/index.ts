export type {
  Claim,
  Decode,
  DecodedRecords,
  Destination,
  Landing,
  LedgerPosition,
  Limits,
  MicroBatch,
  OffsetRange,
} from './destination.ts';
export { MemoryBudget } from './memory-budget.ts';
export { type LaneOptions, PartitionLane } from './partition-lane.ts';
export { DecodedOutcomes, type RecordMicroBatch, recordSlices } from './record-slices.ts';
export type { RunnerMetrics } from './runner-metrics.ts';
export { SinkRunner, type SinkRunnerOptions } from './sink-runner.ts';
export { within } from './waiting.ts';
