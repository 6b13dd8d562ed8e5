import { AsyncLocalStorage } from 'node:async_hooks';
import { internalModule } from './kafkajs-internals.ts';

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
interface RequestedTopic {
  topic: string;
  partitions: { partition: number }[];
}
interface OffsetFetch {
  versions: string[];
  protocol(of: { version: number }): (request: { groupId: string; topics: RequestedTopic[] }) => unknown;
}

const apiKey = 9;
const apiVersion = 7;
/** The partitions whose stable offsets the current call asks for. */
const requested = new AsyncLocalStorage<readonly number[]>();

/**
 * Adds version 7 of OffsetFetch, which can ask for stable offsets (KIP-447). kafkajs 2.2.4 supports up to version 4: while
 * a transaction that moves an offset is being completed, the broker answers with the offset before it, and whoever starts
 * there repeats the transaction. Version 7 gets the retriable error UNSTABLE_OFFSET_COMMIT instead.
 */
export function addStableOffsets(): void {
  const offsetFetch = internalModule<OffsetFetch>('protocol/requests/offsetFetch/index.js');
  const { protocol } = offsetFetch;
  const newest = Math.max(...offsetFetch.versions.map(Number));
  offsetFetch.versions.push(String(apiVersion));
  offsetFetch.protocol = ({ version }) =>
    version === apiVersion ? version7() : protocol({ version: Math.min(version, newest) });
}

/** Within the call, requests for a group's offsets ask for these partitions only, and for stable offsets. */
export function withStableOffsets<T>(partitions: readonly number[], call: () => Promise<T>): Promise<T> {
  return requested.run(partitions, call);
}

/** Layouts: https://kafka.apache.org/protocol#The_Messages_OffsetFetch */
function version7(): ReturnType<OffsetFetch['protocol']> {
  const encoder = internalModule<new () => Encoder>('protocol/encoder.js');
  const decoder = internalModule<new (raw: Buffer) => Decoder>('protocol/decoder.js');
  const { parse } = internalModule<{ parse: unknown }>('protocol/requests/offsetFetch/v4/response.js');
  return ({ groupId, topics }) => {
    const stable = requested.getStore();
    const isRequested = ({ partition }: { partition: number }) => stable?.includes(partition) ?? true;
    const encode = async () =>
      new encoder()
        .writeUVarIntBytes() // the end of the request's header: no tagged fields
        .writeUVarIntString(groupId)
        .writeUVarIntArray(
          topics.map(({ topic, partitions }) =>
            new encoder()
              .writeUVarIntString(topic)
              .writeUVarIntArray(
                partitions.filter(isRequested).map(({ partition }) => new encoder().writeInt32(partition)),
              )
              .writeUVarIntBytes(),
          ),
        )
        .writeBoolean(stable !== undefined)
        .writeUVarIntBytes();
    const decode = async (raw: Buffer) => readResponse(new decoder(raw));
    const request = { apiKey, apiVersion, apiName: 'OffsetFetch', encode };
    return { request, response: { decode, parse }, logResponseError: false };
  };
}

function readResponse(response: Decoder) {
  response.readTaggedFields();
  const clientSideThrottleTime = response.readInt32();
  const responses = response.readUVarIntArray((of) => {
    const topic = of.readUVarIntString();
    const partitions = of.readUVarIntArray(readPartition);
    of.readTaggedFields();
    return { topic, partitions };
  });
  return { throttleTime: 0, clientSideThrottleTime, responses, errorCode: response.readInt16() };
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
