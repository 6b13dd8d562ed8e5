export { type Behind, type Ends, positionsOf, summary } from './distance.ts';
export { type WaitOptions, waitForLanding } from './wait.ts';
