import type { FetchedBatch, Outcome, RejectedRecord } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import type { Claim, Decode, Destination, Landing } from '../destination.ts';
import { type RecordMicroBatch, recordSlices } from '../record-slices.ts';

/** What lies in memory: the rows, and for each partition who owns it and how far it has landed. */
export class MemoryStore {
  readonly rows: string[] = [];
  readonly ledger = new Map<number, { epoch: number; nextOffset: number }>();
  /** The next commit is made, and its answer is lost. */
  losesAnswer = false;
}

interface MemoryClaim extends Claim {
  /** By partition. */
  readonly epochs: ReadonlyMap<number, number>;
}

class TextBatch implements RecordMicroBatch {
  readonly texts: string[] = [];
  readonly rejected: RejectedRecord[] = [];
  usedBytes = 0;

  get rowCount(): number {
    return this.texts.length + this.rejected.length;
  }

  add(partition: number, outcome: Outcome): void {
    if (outcome.kind === 'drop') return;
    this.usedBytes += outcome.input.value?.length ?? 0;
    if (outcome.kind === 'deadLetter') this.rejected.push({ ...outcome, partition });
    else this.texts.push(String(outcome.record.text));
  }
}

/** The smallest destination: the text of each record is a row. An empty value is rejected. */
export class MemoryDestination implements Destination<TextBatch, MemoryClaim, FetchedBatch> {
  readonly stream = 'memory';
  readonly table = 'memory';
  readonly howToReset = 'restart the process';
  readonly topic: string;
  readonly #store: MemoryStore;

  constructor(topic: string, store: MemoryStore) {
    this.topic = topic;
    this.#store = store;
  }

  async claim(partitions: readonly number[]): Promise<MemoryClaim> {
    const { ledger } = this.#store;
    const epochs = new Map<number, number>();
    const positions = partitions.map((partition) => {
      const { epoch = 0, nextOffset = 0 } = ledger.get(partition) ?? {};
      ledger.set(partition, { epoch: epoch + 1, nextOffset });
      epochs.set(partition, epoch + 1);
      return { partition, nextOffset, isNew: nextOffset === 0 };
    });
    return { positions, epochs };
  }

  newBatch(): TextBatch {
    return new TextBatch();
  }

  decode(fetched: FetchedBatch): Iterable<Decode<TextBatch>> {
    return recordSlices(fetched, async ({ records }) =>
      records.map((input): Outcome => {
        const text = input.value?.toString() ?? '';
        if (text !== '') return { kind: 'ok', input, record: { text } };
        return {
          ...{ kind: 'deadLetter', input, stage: 'decode', reason: 'empty' },
          ...{ message: 'the value is empty', schemaId: null },
        };
      }),
    );
  }

  async land(
    { texts, rejected }: TextBatch,
    { claim, ranges, retry, sendDeadLetters }: Landing<MemoryClaim>,
  ): Promise<void> {
    const { ledger, rows } = this.#store;
    await retry(() => sendDeadLetters(rejected));
    for (const { partition, fromOffset } of ranges) {
      const { epoch, nextOffset } = ledger.get(partition) ?? {};
      if (epoch !== claim.epochs.get(partition) || nextOffset !== fromOffset)
        throw new WindrowError('LEDGER_LOST', `partition ${partition} has another owner`, {
          retriable: true,
        });
    }
    rows.push(...texts);
    for (const { partition, nextOffset } of ranges)
      ledger.set(partition, { epoch: claim.epochs.get(partition) ?? 0, nextOffset });
    if (!this.#store.losesAnswer) return;
    this.#store.losesAnswer = false;
    // A restart reads the ledger, which says that the commit was made.
    throw new WindrowError('SERVICE_FAILED', 'the answer was lost', { retriable: true });
  }

  onExpired(): void {}
}
