export { expectedSeconds } from './expected-time.ts';
export { OffsetRanges } from './offset-ranges.ts';
export { planReplay, type ReplayPlan } from './plan.ts';
export { Replay, type RunOptions } from './replay.ts';
export { listReplays, type ReplayRecord, readReplay } from './replay-record.ts';
export type { Selection } from './selection.ts';
export { openSession, type ReplayedStream, replayedStream, type Session } from './session.ts';
export { type TargetChoice, targetNames } from './targets.ts';
