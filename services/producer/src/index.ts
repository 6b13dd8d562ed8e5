export { KeyStore, type NewWriteKey } from './auth/key-store.ts';
export { producerConfig } from './config.ts';
export type { FileResult } from './load/file-load.ts';
export type { LoadFile } from './load/load-file.ts';
export { type LoadOptions, type LoadProgress, type LoadResult, loadFiles } from './load/load-files.ts';
export { foundFile, namedFiles } from './load/local-file.ts';
