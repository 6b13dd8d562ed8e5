export { type PostgresSinkConfig, postgresSinkConfig } from './config.ts';

export { type SinkOptions, startSink } from './sink.ts';
