export * from './cluster.ts';
export * from './foreign-producer.ts';
