export { KeyStore, type NewWriteKey } from './auth/key-store.ts';
export { producerConfig } from './config.ts';
export { type FileResult, type LoadOptions, type LoadProgress, type LoadResult, loadFiles } from './load.ts';
