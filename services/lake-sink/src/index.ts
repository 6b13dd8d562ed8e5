export { type LakeSinkConfig, lakeSinkConfig } from './config.ts';
export { type SinkOptions, startSink } from './sink.ts';
