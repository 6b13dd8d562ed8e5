export type { LoadProgress, LoadResult } from './load-files.ts';
export { assertLoaded, type LoadRequest, loadInto } from './load-into.ts';
