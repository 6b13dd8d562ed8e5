export { type PostgresSinkConfig, postgresSinkConfig } from './config.ts';

export { groupId, type SinkOptions, startSink } from './sink.ts';
