export * from '../columns/testing/buffers-from-batch.ts';
export * from './memory-object-store.ts';
export * from './seeded-random.ts';
export * from './table-rows.ts';
export * from './test-bucket.ts';
export * from './type-matrix.ts';
