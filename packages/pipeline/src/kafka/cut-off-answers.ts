import { createRequire } from 'node:module';

// The parts of kafkajs 2.2.4 that are used here; none of them is in the package's types.
interface Connection {
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect(): Promise<unknown>;
}

/** Of an answer's length, with which it begins. */
const lengthBytes = 4;
let isDone = false;

/**
 * Where a connection breaks within an answer, kafkajs 2.2.4 takes what comes on the next one for the rest of it: then it waits
 * for answers that have come, or ends the process by an error that nobody can catch.
 */
export function forgetCutOffAnswers(): void {
  if (isDone) return;
  isDone = true;
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/network/connection.js') as { prototype: Connection };
  const { connect } = prototype;
  prototype.connect = function (this: Connection) {
    if (!this.isConnected()) Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes });
    return connect.call(this);
  };
}
