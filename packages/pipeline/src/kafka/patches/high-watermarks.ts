import { AsyncLocalStorage } from 'node:async_hooks';
import { internalModule } from './kafkajs-internals.ts';

interface ListOffsets {
  protocol(of: { version: number }): (request: { isolationLevel?: number }) => unknown;
}

const readUncommitted = 0;
const requested = new AsyncLocalStorage<true>();

/**
 * Lets ListOffsets return high watermarks. kafkajs always asks with isolation level `read_committed`: the broker then
 * returns the last stable offset, which an open transaction holds back although others have committed after it.
 */
export function addHighWatermarks(): void {
  const listOffsets = internalModule<ListOffsets>('protocol/requests/listOffsets/index.js');
  const { protocol } = listOffsets;
  listOffsets.protocol = (of) => (request) =>
    protocol(of)(requested.getStore() ? { ...request, isolationLevel: readUncommitted } : request);
}

/** Within the call, a topic's end offsets are high watermarks: the offset after the last record, committed or not. */
export function withHighWatermarks<T>(call: () => Promise<T>): Promise<T> {
  return requested.run(true, call);
}
