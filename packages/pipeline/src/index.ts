export * from './apply.ts';
export * from './broker.ts';
export * from './consumer-metrics.ts';
export * from './dead-letters.ts';
export * from './examine.ts';
export * from './held-records.ts';
export { KafkaBroker, type KafkaBrokerOptions } from './kafka/kafka-broker.ts';
export * from './slices.ts';
export * from './watch-broker.ts';
