import type { Kafka } from 'kafkajs';
import { hideAbortedRecords } from './aborted-records.ts';
import { decodeRecordBatches } from './fetched-record-batches.ts';
import { addHighWatermarks } from './high-watermarks.ts';
import { assertSupportedVersion, internalModule } from './kafkajs-internals.ts';
import { groupMessagesInLinearTime } from './message-grouping.ts';
import { encodeWithoutCopies } from './produce-encoding.ts';
import { frameResponses } from './response-framing.ts';
import { addStableOffsets } from './stable-offsets.ts';

/**
 * All changes of kafkajs' internals, in the order in which they are applied.
 *
 * A patch that reloads a module drops what earlier patches changed in it, and a module that is reloaded takes its
 * dependencies as they are then. Therefore:
 * - `decodeRecordBatches` comes before `hideAbortedRecords`: it reloads the decoders of fetch responses, which the
 *   second one wraps. In the other order, consumers would read records of aborted transactions.
 * - `groupMessagesInLinearTime` is the last one: it reloads the client, and Windrow uses that copy.
 */
export const patches: readonly (() => void)[] = [
  frameResponses,
  decodeRecordBatches,
  hideAbortedRecords,
  addHighWatermarks,
  addStableOffsets,
  encodeWithoutCopies,
  groupMessagesInLinearTime,
];

let patchedClient: typeof Kafka | undefined;

/**
 * Patches kafkajs, once in a process. @returns its client; kafkajs' own export is one without all patches
 * @throws WindrowError STACK_PREREQUISITE_MISSING where another version of kafkajs is installed
 */
export function applyPatches(): typeof Kafka {
  if (patchedClient) return patchedClient;
  assertSupportedVersion();
  for (const apply of patches) apply();
  patchedClient = internalModule<typeof Kafka>('index');
  return patchedClient;
}
