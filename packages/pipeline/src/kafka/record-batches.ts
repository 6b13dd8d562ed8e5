import { crc32c } from '@node-rs/crc32';
import { decompress } from './compression.ts';
import { indexRecords, type RecordBatchView } from './record-batch-view.ts';

/** Positions in a record batch's header: https://kafka.apache.org/documentation/#recordbatch */
const position = {
  batchLength: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
/** The base offset and the length field, which the length does not count. */
const lengthBytes = 12;
const currentMagic = 2;
const attribute = { codec: 0x07, appendTime: 0x08, transactional: 0x10, control: 0x20 } as const;

/** The broker lists them by the offsets of their end markers. */
export type AbortedTransactions = readonly { producerId: string; firstOffset: string }[] | null;

/** The intact part of what was fetched of a partition. */
export interface RecordSet {
  /** Committed batches that have records. */
  batches: RecordBatchView[];
  /** The last offset that was read, control and aborted batches included; undefined where nothing was read. */
  lastOffset: number | undefined;
  /** The first batch that can't be read; nothing after it was read. */
  damage: { offset: number; error: unknown } | undefined;
}

/** Written before Kafka 0.11, without record batches. Fetching it again does not help. */
export class OldMessageFormat extends Error {}

/** Reads successive record batches, of which the last one may be incomplete. */
export async function readRecordSet(bytes: Buffer, aborted: AbortedTransactions): Promise<RecordSet> {
  const isHidden = hiddenBatches(aborted);
  const set: RecordSet = { batches: [], lastOffset: undefined, damage: undefined };
  for (let rest = bytes; rest.length > position.magic; ) {
    const offset = offsetAt(rest, 0);
    try {
      const batch = firstBatch(rest);
      if (!batch) break;
      rest = rest.subarray(batch.length);
      const header = verified(batch);
      const former = set.lastOffset ?? -1;
      if (header.baseOffset <= former)
        throw new Error(`its offset ${header.baseOffset} is not above ${former}, the one before`);
      // Compaction keeps the headers of batches whose records are gone.
      if (!isHidden(header) && header.count !== 0)
        set.batches.push(indexRecords(await decompress(header.codec, header.records), header));
      set.lastOffset = header.lastOffset;
    } catch (error) {
      set.damage = { offset, error };
      break;
    }
  }
  return set;
}

/** The first batch's bytes, or undefined where it is incomplete, as the last one of a fetch may be. */
function firstBatch(bytes: Buffer): Buffer | undefined {
  const magic = bytes.readInt8(position.magic);
  if (magic < currentMagic) throw new OldMessageFormat(`it is in message format ${magic}`);
  if (magic > currentMagic) throw new Error(`it is in message format ${magic}`);
  const length = lengthBytes + bytes.readInt32BE(position.batchLength);
  if (length < position.records) throw new Error(`a record batch can't be ${length} bytes long`);
  return length <= bytes.length ? bytes.subarray(0, length) : undefined;
}

interface Header {
  count: number;
  baseOffset: number;
  lastOffset: number;
  lastOffsetDelta: number;
  baseTimestampMs: number;
  appendTimestampMs: number | undefined;
  codec: number;
  producerId: bigint;
  isTransactional: boolean;
  isControl: boolean;
  records: Buffer;
}

/** The header of a complete batch. The checksum does not cover the fields before it: base offset and length. */
function verified(batch: Buffer): Header {
  const [told, is] = [batch.readUInt32BE(position.crc), crc32c(batch.subarray(position.attributes))];
  if (told !== is) throw new Error(`its checksum is ${is}, not ${told}`);
  const attributes = batch.readInt16BE(position.attributes);
  const baseOffset = offsetAt(batch, 0);
  const lastOffsetDelta = batch.readInt32BE(position.lastOffsetDelta);
  if (lastOffsetDelta < 0) throw new Error(`its last offset is ${-lastOffsetDelta} below its first`);
  const hasAppendTime = (attributes & attribute.appendTime) !== 0;
  return {
    count: batch.readInt32BE(position.count),
    baseOffset,
    lastOffset: baseOffset + lastOffsetDelta,
    lastOffsetDelta,
    baseTimestampMs: offsetAt(batch, position.baseTimestamp),
    appendTimestampMs: hasAppendTime ? offsetAt(batch, position.maxTimestamp) : undefined,
    codec: attributes & attribute.codec,
    producerId: batch.readBigInt64BE(position.producerId),
    isTransactional: (attributes & attribute.transactional) !== 0,
    isControl: (attributes & attribute.control) !== 0,
    records: batch.subarray(position.records),
  };
}

/**
 * Tells control batches and batches of aborted transactions. By the protocol, an aborted transaction reaches from its first
 * offset to its producer's next marker, which compaction may have emptied. To be called for each batch, in order.
 */
function hiddenBatches(aborted: AbortedTransactions): (header: Header) => boolean {
  const begins = (aborted ?? [])
    .map(({ producerId, firstOffset }) => ({
      producerId: BigInt(producerId),
      firstOffset: Number(firstOffset),
    }))
    .sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<bigint>();
  let next = 0;
  return (header) => {
    for (let begin = begins[next]; begin && begin.firstOffset <= header.lastOffset; begin = begins[++next])
      open.add(begin.producerId);
    if (!header.isControl) return header.isTransactional && open.has(header.producerId);
    open.delete(header.producerId);
    return true;
  };
}

/** An int64, exact to 2^53. */
const offsetAt = (bytes: Buffer, at: number): number => Number(bytes.readBigInt64BE(at));
