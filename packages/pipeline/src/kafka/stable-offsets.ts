import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';

// The parts of kafkajs 2.2.4 that are used here; none of them is in the package's types.
interface Encoder {
  writeUVarIntBytes(): Encoder;
  writeUVarIntString(text: string): Encoder;
  writeUVarIntArray(items: Encoder[]): Encoder;
  writeInt32(value: number): Encoder;
  writeBoolean(value: boolean): Encoder;
}
interface Decoder {
  readTaggedFields(): unknown;
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readUVarIntString(): string | null;
  readUVarIntArray<T>(read: (decoder: Decoder) => T): T[];
}
interface AskedTopic {
  topic: string;
  partitions: { partition: number }[];
}
interface OffsetFetchVersions {
  versions: string[];
  protocol(of: { version: number }): (asked: { groupId: string; topics: AskedTopic[] }) => unknown;
}

const apiKey = 9;
const apiVersion = 7;
/** The partitions whose stable offsets are asked for, within the call. */
const asking = new AsyncLocalStorage<readonly number[]>();
let isDone = false;

/**
 * kafkajs 2.2.4 asks for a group's offsets as of OffsetFetch 4, to which the broker answers with what was committed before
 * the transaction that it is still completing: whoever goes on from there repeats that transaction. Version 7 can ask for
 * stable offsets (KIP-447): while any is about to change, the broker answers UNSTABLE_OFFSET_COMMIT, which is retriable.
 */
export function teachStableOffsets(): void {
  if (isDone) return;
  isDone = true;
  const require = createRequire(import.meta.url);
  const known = require('kafkajs/src/protocol/requests/offsetFetch/index.js') as OffsetFetchVersions;
  const former = known.protocol;
  const newest = Math.max(...known.versions.map(Number));
  known.versions.push(String(apiVersion));
  known.protocol = ({ version }) =>
    version === apiVersion ? version7(require) : former({ version: Math.min(version, newest) });
}

/** Within the call, fetches of a group's offsets ask for these partitions only, and for stable offsets. */
export function askingForStable<T>(partitions: readonly number[], call: () => Promise<T>): Promise<T> {
  return asking.run(partitions, call);
}

/** Layouts: https://kafka.apache.org/protocol#The_Messages_OffsetFetch */
function version7(require: NodeJS.Require): ReturnType<OffsetFetchVersions['protocol']> {
  const encoder = require('kafkajs/src/protocol/encoder.js') as new () => Encoder;
  const decoder = require('kafkajs/src/protocol/decoder.js') as new (raw: Buffer) => Decoder;
  const { parse } = require('kafkajs/src/protocol/requests/offsetFetch/v4/response.js') as { parse: unknown };
  return ({ groupId, topics }) => {
    const stable = asking.getStore();
    const isAsked = ({ partition }: { partition: number }) => stable?.includes(partition) ?? true;
    const encode = async () =>
      new encoder()
        .writeUVarIntBytes() // the end of the request's header: no tagged fields
        .writeUVarIntString(groupId)
        .writeUVarIntArray(
          topics.map(({ topic, partitions }) =>
            new encoder()
              .writeUVarIntString(topic)
              .writeUVarIntArray(
                partitions.filter(isAsked).map(({ partition }) => new encoder().writeInt32(partition)),
              )
              .writeUVarIntBytes(),
          ),
        )
        .writeBoolean(stable !== undefined)
        .writeUVarIntBytes();
    const decode = async (raw: Buffer) => readAnswer(new decoder(raw));
    const request = { apiKey, apiVersion, apiName: 'OffsetFetch', encode };
    return { request, response: { decode, parse }, logResponseError: false };
  };
}

function readAnswer(answer: Decoder) {
  answer.readTaggedFields();
  const clientSideThrottleTime = answer.readInt32();
  const responses = answer.readUVarIntArray((of) => {
    const topic = of.readUVarIntString();
    const partitions = of.readUVarIntArray(readPartition);
    of.readTaggedFields();
    return { topic, partitions };
  });
  return { throttleTime: 0, clientSideThrottleTime, responses, errorCode: answer.readInt16() };
}

function readPartition(of: Decoder) {
  const partition = of.readInt32();
  const offset = of.readInt64().toString();
  of.readInt32(); // the leader's epoch
  const metadata = of.readUVarIntString();
  const errorCode = of.readInt16();
  of.readTaggedFields();
  return { partition, offset, metadata, errorCode };
}
