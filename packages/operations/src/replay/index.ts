export { expectedSeconds } from './expected-time.ts';
export { OffsetRanges } from './offset-ranges.ts';
export { planReplay, type ReplayPlan } from './plan.ts';
export { listReplays, type ReplayRecord, readReplay, type Target } from './record.ts';
export { cancelReplay, type RunOptions, resumeReplay, startReplay } from './run.ts';
export type { Selection } from './selection.ts';
export { openSession, type ReplayedStream, replayedStream, type Session } from './session.ts';
