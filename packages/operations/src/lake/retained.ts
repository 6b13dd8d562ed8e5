import type { ObjectStore, PlaceChange, RestoreChanges, RetainedOffsets } from '@windrow/lake';
import type { Broker } from '@windrow/pipeline';
import { WindrowError } from '@windrow/runtime';
import { readColumns } from '../parquet.ts';

/** The partitions whose offsets go back, so that the sink writes their rows again. */
export const goingBack = ({ places }: RestoreChanges): PlaceChange[] =>
  places.filter(({ from, to }) => to.nextOffset < from.nextOffset);

/**
 * The first offset that Kafka retains of each partition, for all topics of the table. Any partition may advance meanwhile.
 * @throws WindrowError RESTORE_REFUSED for a topic that was deleted and created again; KAFKA_UNAVAILABLE
 */
export async function retainedOffsets(broker: Broker, { places }: RestoreChanges): Promise<RetainedOffsets> {
  const retained = new Map<string, Map<number, number>>();
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const there = new Set((await broker.describeTopics(topics)).map(({ name }) => name));
  for (const topic of topics.filter((name) => there.has(name))) {
    const [starts, ends] = await Promise.all([broker.startOffsets(topic), broker.endOffsets(topic)]);
    retained.set(topic, starts);
    for (const { partition, from } of places.filter((place) => place.topic === topic)) {
      const end = ends.get(partition) ?? 0;
      if (end < from.nextOffset)
        throw new WindrowError(
          'RESTORE_REFUSED',
          `the ledger is at offset ${from.nextOffset} of ${topic}/${partition}, which ends at ${end}. The topic was created again and lacks the events of the table. Nothing was changed.`,
        );
    }
  }
  return retained;
}

/**
 * Checks that the topic still has the record of each row that the restore removes. In a compacted topic, records before the
 * newest offset may be missing.
 * @throws WindrowError RESTORE_REFUSED naming the partition and offsets; LAKE_LOG_INVALID, S3_FAILED, KAFKA_UNAVAILABLE
 */
export async function assertRowsRetained(
  { broker, store, signal }: { broker: Broker; store: ObjectStore; signal: AbortSignal },
  table: string,
  changes: RestoreChanges,
): Promise<void> {
  const back = goingBack(changes);
  if (back.length === 0) return;
  const missing = await offsetsOf(store, table, changes);
  for (const [topic, places] of Map.groupBy(back, ({ topic }) => topic)) {
    const reader = await broker.read({
      topic,
      from: new Map(places.map(({ partition, to }) => [partition, to.nextOffset])),
      onBatch: ({ partition, records }) => {
        for (const { offset } of records) missing.delete(placeOf(topic, partition, offset));
      },
    });
    try {
      const ends = new Map(places.map(({ partition, from }) => [partition, from.nextOffset]));
      await reader.reached(ends, signal);
    } finally {
      await reader.close();
    }
  }
  if (missing.size === 0) return;
  const some = [...missing].slice(0, 5).join(', ');
  const more = missing.size > 5 ? `, and ${missing.size - 5} more` : '';
  throw new WindrowError(
    'RESTORE_REFUSED',
    `the topic of table ${table} is compacted and no longer has ${missing.size} of the records whose rows the restore would remove: ${some}${more}. Restore a newer version, or read this version without a restore (docs/how-to/time-travel.md). Nothing was changed.`,
  );
}

/** `topic/partition@offset` of all rows that the restore removes and the sink must write again. */
async function offsetsOf(store: ObjectStore, table: string, changes: RestoreChanges): Promise<Set<string>> {
  const from = new Map(
    goingBack(changes).map((each) => [`${each.topic}/${each.partition}`, each.to.nextOffset]),
  );
  const places = new Set<string>();
  for (const { path } of changes.removed) {
    const key = `${table}/${decodeURIComponent(path)}`;
    for (const row of await readColumns(store, key, ['_topic', '_partition', '_offset'])) {
      const [topic, partition, offset] = [String(row._topic), Number(row._partition), Number(row._offset)];
      const first = from.get(`${topic}/${partition}`);
      if (first !== undefined && offset >= first) places.add(placeOf(topic, partition, offset));
    }
  }
  return places;
}

const placeOf = (topic: string, partition: number, offset: number) => `${topic}/${partition}@${offset}`;
