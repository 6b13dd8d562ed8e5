import {
  type Account,
  AvroCodec,
  type AvroRecordSchema,
  accountSchema,
  type DeadLetter,
  deadLetterSchema,
} from '@windrow/contracts';
import type { InputRecord } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import type { Installation } from '../installation.ts';
import { endsOf } from '../topics.ts';
import type { DeadLetterCause, KeptAccount, RetainedRecords, Sample, TopicFacts } from './facts.ts';
import { Repeats } from './repeats.ts';

/** Reads a topic up to the ends in its facts. @throws WindrowError KAFKA_UNAVAILABLE */
async function readTopic(
  { broker }: Installation,
  topic: TopicFacts,
  onRecords: (partition: number, records: InputRecord[]) => Promise<void> | void,
  signal?: AbortSignal,
): Promise<void> {
  const ends = endsOf(topic);
  const starts = new Map(topic.partitions.map(({ partition, start }) => [partition, start]));
  if (topic.partitions.every(({ start, end }) => start === end)) return;
  const reader = await broker.read({
    topic: topic.name,
    from: starts,
    onBatch: ({ partition, records }) =>
      onRecords(
        partition,
        records.filter(({ offset }) => offset < (ends.get(partition) ?? 0)),
      ),
  });
  try {
    await reader.reached(ends, signal);
  } finally {
    await reader.close();
  }
}

/**
 * Decodes every record of a topic that only Windrow writes.
 * @throws WindrowError DECODE_FAILED for a record of another writer; KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE
 */
async function readOwn<T>(
  installation: Installation,
  topic: TopicFacts,
  schema: AvroRecordSchema,
  onRecord: (record: T, partition: number, offset: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const codec = new AvroCodec(schema, installation.registry);
  const onRecords = async (partition: number, records: InputRecord[]) => {
    const decoded = await codec.decode(records.map(({ value }) => value));
    for (const [index, result] of decoded.entries()) {
      if (!result.ok) {
        const at = `${topic.name}/${partition}@${records[index]?.offset}`;
        throw new WindrowError('DECODE_FAILED', `${at} was not written by Windrow: ${result.message}`);
      }
      onRecord(result.record as unknown as T, partition, records[index]?.offset ?? -1);
    }
  };
  await readTopic(installation, topic, onRecords, signal);
}

export async function readAccounts(
  installation: Installation,
  topic: TopicFacts,
  signal?: AbortSignal,
): Promise<KeptAccount[]> {
  const accounts: KeptAccount[] = [];
  const keep = (account: Account, _: number, offset: number) => accounts.push({ ...account, offset });
  await readOwn<Account>(installation, topic, accountSchema, keep, signal);
  return accounts;
}

export interface DeadLettersRead {
  retained: RetainedRecords[];
  causes: DeadLetterCause[];
  /** `stage topic/partition/offset` of the dead letters that have a position. */
  positions: Set<string>;
  /** Positions that occur more than once. */
  repeated: Sample;
}

/** Counts the dead letters by input partition and cause. An event with several dead letters of a stage counts once. */
export async function readDeadLetters(
  installation: Installation,
  topic: TopicFacts,
  signal?: AbortSignal,
): Promise<DeadLettersRead> {
  const causes = new Map<string, DeadLetterCause>();
  const records = new Map(topic.partitions.map(({ partition }) => [partition, 0]));
  const positions = new Set<string>();
  const repeats = new Repeats();
  const count = (letter: DeadLetter, partition: number) => {
    records.set(partition, (records.get(partition) ?? 0) + 1);
    if (letter.topic !== null) {
      const position = deadLetterPosition(letter.stage, letter.topic, letter.partition, letter.offset);
      repeats.add(position);
      if (positions.has(position)) return;
      positions.add(position);
    }
    const { stage, reason } = letter;
    const key = JSON.stringify([letter.topic, letter.partition, stage, reason]);
    const cause = causes.get(key) ?? {
      topic: letter.topic,
      partition: letter.partition,
      stage,
      reason,
      events: 0,
    };
    cause.events += 1;
    causes.set(key, cause);
  };
  await readOwn<DeadLetter>(installation, topic, deadLetterSchema, count, signal);
  return {
    retained: [...records].map(([partition, count]) => ({ topic: topic.name, partition, records: count })),
    causes: [...causes.values()],
    positions,
    repeated: repeats.sample,
  };
}

export function deadLetterPosition(
  stage: string,
  topic: string,
  partition: number | null,
  offset: number | null,
): string {
  return `${stage} ${topic}/${partition}/${offset}`;
}

/** Counts the records that a topic still holds. */
export async function countRetained(
  installation: Installation,
  topic: TopicFacts,
  signal?: AbortSignal,
): Promise<RetainedRecords[]> {
  const counts = new Map(topic.partitions.map(({ partition }) => [partition, 0]));
  const add = (partition: number, records: InputRecord[]) => {
    counts.set(partition, (counts.get(partition) ?? 0) + records.length);
  };
  await readTopic(installation, topic, add, signal);
  return [...counts].map(([partition, records]) => ({ topic: topic.name, partition, records }));
}
