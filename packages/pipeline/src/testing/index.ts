export * from '../kafka/testing/cluster.ts';
export * from '../kafka/testing/foreign-producer.ts';
export * from './own-topics.ts';
