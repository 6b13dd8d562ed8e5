export { type Match, matches } from './as-of-join.ts';
export { Dedupe, idReader } from './dedupe.ts';
export { Enrichment, type EnrichmentOptions, joinsOf } from './enrichment.ts';
export { type EnrichmentOutcome, type RunSteps, runSteps, type StagedRejection } from './run-steps.ts';
