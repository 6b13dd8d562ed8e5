import { crc32c } from '@node-rs/crc32';
import { decompress } from './compression.ts';
import { type WalkedRecords, walkRecords } from './walked-records.ts';

/** Of a record batch's head: https://kafka.apache.org/documentation/#recordbatch */
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
/** The offset and the length itself, which the length doesn't count. */
const lengthBytes = 12;
const currentMagic = 2;
const attribute = { codec: 0x07, appendTime: 0x08, transactional: 0x10, control: 0x20 } as const;

/** As the broker lists them: by the offsets of their end markers. */
export type AbortedTransactions = readonly { producerId: string; firstOffset: string }[] | null;

/** What a fetch brought for a partition, as far as it is whole. */
export interface RecordSet {
  /** Committed ones; none without records. */
  batches: WalkedRecords[];
  /** Of all that was read, what is not in `batches` too; undefined where nothing was. */
  lastOffset: number | undefined;
  /** Where the reading ended before its end. */
  damage: { offset: number; error: unknown } | undefined;
}

/** From before Kafka 0.11: there are no record batches. It will not be otherwise when it is fetched again. */
export class OldMessageFormat extends Error {}

/** Record batches one behind the other, of which the last one may be cut off. */
export async function readRecordSet(bytes: Buffer, aborted: AbortedTransactions): Promise<RecordSet> {
  const isHidden = hiddenBatches(aborted);
  const set: RecordSet = { batches: [], lastOffset: undefined, damage: undefined };
  for (let rest = bytes; rest.length > position.magic; ) {
    const offset = offsetAt(rest, 0);
    try {
      const batch = firstBatch(rest);
      if (!batch) break;
      rest = rest.subarray(batch.length);
      const head = verified(batch);
      const former = set.lastOffset ?? -1;
      if (head.baseOffset <= former) throw new Error(`its offset ${head.baseOffset} comes after ${former}`);
      // Compaction leaves the heads of batches without records.
      if (!isHidden(head) && head.count !== 0)
        set.batches.push(walkRecords(await decompress(head.codec, head.records), head));
      set.lastOffset = head.lastOffset;
    } catch (error) {
      set.damage = { offset, error };
      break;
    }
  }
  return set;
}

/** The first batch's bytes, or undefined where it is cut off, as the last one of a fetch may be. */
function firstBatch(bytes: Buffer): Buffer | undefined {
  const magic = bytes.readInt8(position.magic);
  if (magic < currentMagic) throw new OldMessageFormat(`it is in message format ${magic}`);
  if (magic > currentMagic) throw new Error(`it is in message format ${magic}`);
  const length = lengthBytes + bytes.readInt32BE(position.batchLength);
  if (length < position.records) throw new Error(`a record batch can't be ${length} bytes long`);
  return length <= bytes.length ? bytes.subarray(0, length) : undefined;
}

interface Head {
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

/** The head of a whole batch. What is before the checksum it doesn't cover: offset and length. */
function verified(batch: Buffer): Head {
  const [told, is] = [batch.readUInt32BE(position.crc), crc32c(batch.subarray(position.attributes))];
  if (told !== is) throw new Error(`its checksum is ${is}, not ${told}`);
  const attributes = batch.readInt16BE(position.attributes);
  const baseOffset = offsetAt(batch, 0);
  const lastOffsetDelta = batch.readInt32BE(position.lastOffsetDelta);
  if (lastOffsetDelta < 0) throw new Error(`its last offset is ${-lastOffsetDelta} before its first`);
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
 * Control batches, and those of aborted transactions. As the protocol has it: an aborted transaction is from its first
 * offset to its producer's next marker, which compaction may have emptied. To be asked for each batch, in order.
 */
function hiddenBatches(aborted: AbortedTransactions): (head: Head) => boolean {
  const begins = (aborted ?? [])
    .map(({ producerId, firstOffset }) => ({
      producerId: BigInt(producerId),
      firstOffset: Number(firstOffset),
    }))
    .sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<bigint>();
  let next = 0;
  return (head) => {
    for (let begin = begins[next]; begin && begin.firstOffset <= head.lastOffset; begin = begins[++next])
      open.add(begin.producerId);
    if (!head.isControl) return head.isTransactional && open.has(head.producerId);
    open.delete(head.producerId);
    return true;
  };
}

/** An int64, exact to 2^53. */
const offsetAt = (bytes: Buffer, at: number): number => Number(bytes.readBigInt64BE(at));
