import { internalModule } from './kafkajs-internals.ts';

/** A partition of a fetch response, as kafkajs decodes it. */
interface FetchedPartition {
  /** The broker lists them by the offsets of their end markers. */
  abortedTransactions: { producerId: string; firstOffset: string }[] | null;
  messages: FetchedMessage[];
}

interface FetchedMessage {
  offset: string;
  key: Buffer | null;
  isControlRecord: boolean;
  batchContext?: { producerId: string; inTransaction: boolean };
}

interface FetchResponse {
  responses: { partitions: FetchedPartition[] }[];
}

interface ResponseDecoder {
  decode(raw: Buffer): Promise<FetchResponse>;
}

/** The versions of the fetch request that list aborted transactions, as far as kafkajs supports them. */
const versions = [4, 5, 6, 7, 8, 9, 10, 11];

/**
 * Hides the records of aborted transactions. kafkajs 2.2.4 lets some of them through: it expects the broker's list in the
 * order in which transactions begin, lets at most one begin at each record, and takes any record whose key is four zero
 * bytes for an abort marker. With several producers in one partition (dead letters, accounts), aborted records are then
 * read. This patch finds them when a response is decoded, and marks them as control records: kafkajs skips these, but
 * counts their offsets.
 */
export function hideAbortedRecords(): void {
  for (const version of versions) {
    // kafkajs looks the decoder up in this module for every request.
    const decoder = internalModule<ResponseDecoder>(`protocol/requests/fetch/v${version}/response.js`);
    const { decode } = decoder;
    decoder.decode = async (raw) => {
      const response = await decode(raw);
      for (const { partitions } of response.responses) partitions.forEach(markAborted);
      return response;
    };
  }
}

/** By the protocol, an aborted transaction reaches from its first offset to its producer's next abort marker. */
function markAborted(partition: FetchedPartition): void {
  const { abortedTransactions, messages } = partition;
  if (!abortedTransactions || abortedTransactions.length === 0) return;
  const begins = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) }))
    .sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<string>();
  let next = 0;
  for (const message of messages) {
    const offset = Number(message.offset);
    for (let begin = begins[next]; begin && begin.firstOffset <= offset; begin = begins[++next])
      open.add(begin.producerId);
    const { producerId = '', inTransaction = false } = message.batchContext ?? {};
    if (message.isControlRecord) {
      if (isAbortMarker(message)) open.delete(producerId);
    } else if (inTransaction && open.has(producerId)) message.isControlRecord = true;
  }
  partition.abortedTransactions = [];
}

/** A control record's key is a version (int16) and a type (int16); type 0 is an abort. */
const isAbortMarker = ({ key }: FetchedMessage): boolean =>
  key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
