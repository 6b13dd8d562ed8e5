export { type CollectOptions, collectFacts } from './collect.ts';
export type * from './facts.ts';
export type { Finding, Verdict } from './findings.ts';
export { type Audit, judge, type PartitionLine } from './judge.ts';
export type { TableLine } from './judge-tables.ts';
