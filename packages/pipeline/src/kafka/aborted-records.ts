import { createRequire } from 'node:module';

/** What kafkajs makes of a fetch answer's partition. */
interface FetchedPartition {
  /** By the offsets of their end markers, as the broker lists them. */
  abortedTransactions: { producerId: string; firstOffset: string }[] | null;
  messages: FetchedMessage[];
}

interface FetchedMessage {
  offset: string;
  key: Buffer | null;
  isControlRecord: boolean;
  batchContext?: { producerId: string; inTransaction: boolean };
}

interface FetchAnswer {
  responses: { partitions: FetchedPartition[] }[];
}

interface AnswerDecoder {
  decode(raw: Buffer): Promise<FetchAnswer>;
}

/** Fetch versions that tell aborted transactions, as far as kafkajs knows them. */
const versions = [4, 5, 6, 7, 8, 9, 10, 11];
let isDone = false;

/**
 * kafkajs 2.2.4 leaks records of aborted transactions: it takes the broker's list to be sorted by the transactions' begin,
 * lets at most one of them begin at each record, and takes a record whose key is four zero bytes for the end of one. With
 * several producers in one partition (dead letters, accounts) that shows aborted records. So they are found here, as
 * answers are decoded, and marked as control records, which kafkajs skips while their offsets count.
 */
export function hideAbortedRecords(): void {
  if (isDone) return;
  isDone = true;
  const require = createRequire(import.meta.url);
  for (const version of versions) {
    // Not in the package's types: an answer's decoder is looked up here for every request.
    const decoder = require(`kafkajs/src/protocol/requests/fetch/v${version}/response.js`) as AnswerDecoder;
    const { decode } = decoder;
    decoder.decode = async (raw) => {
      const answer = await decode(raw);
      for (const { partitions } of answer.responses) partitions.forEach(markAborted);
      return answer;
    };
  }
}

/** As the protocol has it: an aborted transaction is from its first offset to its producer's next abort marker. */
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

/** A control record's key: version (int16), then type (int16), of which 0 is an abort. */
const isAbortMarker = ({ key }: FetchedMessage): boolean =>
  key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
