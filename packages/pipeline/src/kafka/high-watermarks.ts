import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';

// The parts of kafkajs 2.2.4 that are used here; none of them is in the package's types.
interface ListOffsetsVersions {
  protocol(of: { version: number }): (asked: { isolationLevel?: number }) => unknown;
}

const readUncommitted = 0;
const asking = new AsyncLocalStorage<true>();
let isDone = false;

/**
 * kafkajs 2.2.4 asks for a topic's ends as a reader of committed records: the broker then answers with the last stable
 * offset, behind which open transactions keep back what others have committed meanwhile.
 */
export function teachHighWatermarks(): void {
  if (isDone) return;
  isDone = true;
  const require = createRequire(import.meta.url);
  const known = require('kafkajs/src/protocol/requests/listOffsets/index.js') as ListOffsetsVersions;
  const former = known.protocol;
  known.protocol = (of) => (asked) =>
    former(of)(asking.getStore() ? { ...asked, isolationLevel: readUncommitted } : asked);
}

/** Within the call, a topic's ends are its high watermarks: the offsets after the last records, committed or not. */
export function askingForHighWatermarks<T>(call: () => Promise<T>): Promise<T> {
  return asking.run(true, call);
}
