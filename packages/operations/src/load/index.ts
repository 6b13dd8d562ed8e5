export type { LoadProgress, LoadResult } from './load-files.ts';
export { assertLoaded, type LoadRequest, loadInto, type RejectLimit } from './load-into.ts';
export { recordPath } from './read/record-path.ts';
export type { CheckOptions } from './record-check.ts';
